import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Seconds that long files take on two processors; Vitest itself would begin with large files. */
const seconds: Readonly<Record<string, number>> = {
  'disruption/disruption.test.ts': 238,
  'cluster/replicas.test.ts': 245,
  'cluster/time-limits.test.ts': 240,
  'store/store-gone.test.ts': 250,
  'kubectl/kubectl-edit.test.ts': 215,
  'uploader/rescue.test.ts': 200,
  'e2e/kill-api.test.ts': 200,
  'disruption/disruption-count.test.ts': 190,
  'e2e/outcomes.test.ts': 160,
  'store/janitor.test.ts': 170,
  'uploader/too-large.test.ts': 170,
  'store/store-gone-for-good.test.ts': 160,
  'recovery.cluster.test.ts': 150,
  'kubernetes-backend.cluster.test.ts': 140,
  'cluster/silent-watch.test.ts': 85,
  'kubectl/kubectl-store.test.ts': 83,
  'uploader.store.test.ts': 94,
  'supervise.process.test.ts': 63,
  'live-uploader.process.test.ts': 46,
  'restart.process.test.ts': 42,
  'local-backend.process.test.ts': 27,
  'uploader-memory.process.test.ts': 25,
  'kubernetes/model.test.ts': 12,
  'pass/linked-files.test.ts': 8,
  'outbox/outbox.test.ts': 6,
  'limits/reader-speed.test.ts': 4,
  'operations/notify-uploaders.test.ts': 3,
}

/** Begins the longest files first, so that no worker is alone with one of them at the end. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const bySize = await super.sort(files)
    return bySize.toSorted((a, b) => secondsOf(b) - secondsOf(a))
  }
}

function secondsOf({ moduleId }: TestSpecification): number {
  const [, known = 0] = Object.entries(seconds).find(([end]) => moduleId.endsWith(`/${end}`)) ?? []
  return known
}
