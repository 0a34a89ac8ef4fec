import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalBackend } from '../../src/local/backend.ts'
import { createLog } from '../../src/log.ts'
import { type BackendUnderTest, describeBackend } from '../job/backend.conformance.ts'
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
    async restart() {
      await under.backend.close()
      under.backend = await make()
      return under.backend
    },
    request: shellRequest,
    async close() {
      await under.backend.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return under
})
