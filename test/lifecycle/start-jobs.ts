import { BlockList } from 'node:net'
import { onTestFinished } from 'vitest'
import type { JobBackend } from '../../src/job/backend.ts'
import { soleLeader } from '../../src/job/leadership.ts'
import { createJobs } from '../../src/lifecycle/create-jobs.ts'
import type { Jobs } from '../../src/lifecycle/jobs.ts'
import { openUploads } from '../../src/result-format/checkpoint/checkpoint.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { createLog } from '../../src/util/log.ts'
import { createMetrics } from '../../src/util/metrics.ts'

const anywhere = {
  text: 'any',
  classes: ['public', 'private', 'loopback'],
  hosts: [],
  networks: new BlockList(),
} as const

/** Jobs over a started backend until the end of the test. */
export function startJobsOver(backend: JobBackend, store: ArtifactStore, leadership = soleLeader): Jobs {
  const { jobs, start, close } = createJobs({
    backend,
    leadership,
    store,
    log: createLog('test', 'silent'),
    openUploads: (uuid, attempt) => openUploads(store, uuid, attempt),
    namespace: 'local',
    inputMaxBytes: 1024,
    uploadsMax: 10,
    inputSources: {
      allow: anywhere,
      allowHttp: true,
      secrets: [],
      unpackMaxBytes: 1024,
      unpackMaxEntries: 10,
    },
    metrics: createMetrics(),
  })
  onTestFinished(close)
  start()
  return jobs
}
