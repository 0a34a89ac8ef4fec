import { randomUUID } from 'node:crypto'
import { onTestFinished } from 'vitest'
import type { JobBackend, LiveJob } from '../../../src/job/backend.ts'
import { soleLeader } from '../../../src/job/leadership.ts'
import type { Observation } from '../../../src/job/state/observation.ts'
import { Tracker, type TrackerOptions } from '../../../src/lifecycle/tracking/tracker.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { createLog } from '../../../src/util/log.ts'
import { shellRequest } from '../../backends/local/setup.ts'

/** A backend that shows the jobs as they are put, and does nothing with them. */
export class ShownJobs {
  readonly #jobs = new Map<string, LiveJob>()
  readonly #listeners = new Set<(uuid: string) => void>()
  /** JobBackend.isCurrent(). */
  isCurrent = true
  /** What else of a JobBackend is called. */
  readonly more: Partial<JobBackend>

  constructor(jobs: readonly LiveJob[], more: Partial<JobBackend> = {}) {
    for (const job of jobs) this.#jobs.set(job.uuid, job)
    this.more = more
  }

  put(job: LiveJob): void {
    this.#jobs.set(job.uuid, job)
    this.#tell(job.uuid)
  }

  change(uuid: string, seen: Partial<Observation>): void {
    const job = this.#jobs.get(uuid)
    if (job) this.put({ ...job, observation: { ...job.observation, ...seen } })
  }

  lose(uuid: string): void {
    this.#jobs.delete(uuid)
    this.#tell(uuid)
  }

  get backend(): JobBackend {
    const shown: Partial<JobBackend> = {
      get: (uuid) => this.#jobs.get(uuid),
      list: () => [...this.#jobs.values()],
      isCurrent: () => this.isCurrent,
      subscribe: (listener) => {
        this.#listeners.add(listener)
        return () => this.#listeners.delete(listener)
      },
      ...this.more,
    }
    return shown as JobBackend
  }

  #tell(uuid: string): void {
    for (const listener of this.#listeners) listener(uuid)
  }
}

/**
 * A tracker that has started, closed at the test's end; each duty that `more` doesn't give does
 * nothing.
 */
export function startTracker(
  backend: JobBackend,
  store: ArtifactStore,
  more: Partial<TrackerOptions> = {},
): Tracker {
  const ignore = () => undefined
  const settled = async () => undefined
  const tracker = new Tracker({
    backend,
    leadership: soleLeader,
    store,
    log: createLog('test', 'silent'),
    findJob: settled,
    followLog: ignore,
    onForgotten: ignore,
    onGivenUp: ignore,
    notifyEnd: settled,
    untilFollowed: settled,
    archive: settled,
    release: settled,
    remove: settled,
    ...more,
  })
  tracker.start()
  onTestFinished(() => tracker.close())
  return tracker
}

/** A job without attempts that was made at `createdAt`, by default now. */
export function liveJob(seen: Partial<Observation> = {}): LiveJob {
  return {
    uuid: randomUUID(),
    request: shellRequest('exit 0'),
    requestSha256: '',
    released: false,
    observation: { createdAt: Date.now(), suspended: false, failedAttempts: 0, ...seen },
  }
}
