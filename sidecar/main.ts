import { messageOf } from '../src/errors.ts'
import { createLog } from '../src/log.ts'
import { readSettings } from './read-settings.ts'
import { run } from './run.ts'
import { exitCode, type UploaderSettings } from './settings.ts'
import { openStore } from './store/open-store.ts'

// At once: until then SIGTERM ends the program, which supervise.sh makes up for.
const terminated = new AbortController()
process.on('SIGTERM', () => terminated.abort())

// Without a port nothing else would keep Node from ending while the worker runs.
setInterval(() => undefined, 2 ** 30)
process.exit(await main())

async function main(): Promise<number> {
  const log = createLog('uploader', process.env.LOG_LEVEL)
  let settings: UploaderSettings
  try {
    settings = readSettings(process.env)
  } catch (error) {
    log.fatal({ reason: 'Error', message: messageOf(error) }, 'gave up')
    return exitCode.gaveUp
  }
  return run(settings, () => openStore(settings.store), log, terminated)
}
