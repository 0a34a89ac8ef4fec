import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalBackend } from '../../../src/backends/local/local-backend.ts'
import { soleLeader } from '../../../src/job/leadership.ts'
import { createLog } from '../../../src/util/log.ts'
import { describeBackend } from '../../job/backend.conformance.ts'
import type { BackendUnderTest } from '../../job/backend-under-test.ts'
import { endJobs } from '../../support/end-jobs.ts'
import { settingsIn, shellRequest } from './setup.ts'

describeBackend('child processes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'jobferry-local-'))
  const make = async () => {
    const backend = createLocalBackend(settingsIn(folder), createLog('test', 'silent'))
    await backend.start()
    return backend
  }
  const under: BackendUnderTest = {
    backend: await make(),
    leadership: soleLeader,
    async restart() {
      await under.backend.close()
      under.backend = await make()
      return under.backend
    },
    request: shellRequest,
    async close() {
      await under.backend.close()
      await endJobs(folder)
      await rm(folder, { recursive: true, force: true })
    },
  }
  return under
})
