import { setFlagsFromString } from 'node:v8'
import { messageOf } from '../src/errors.ts'
import { createLog, type Log } from '../src/log.ts'
import { forsaken } from './forsaken.ts'
import { readSettings } from './read-settings.ts'
import { run } from './run.ts'
import { exitCode, type UploaderSettings } from './settings.ts'
import { openStore } from './store/open-store.ts'

// The pod's memory is the user's. Before the store is loaded: compiling undici's WebAssembly for speed takes 20 MiB
// that its short messages never win back; the heap would rather grow than be cleaned. supervise.sh does its part.
for (const flag of ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering', '--optimize-for-size'])
  setFlagsFromString(flag)

// At once: until then SIGTERM ends the program, which supervise.sh makes up for.
const terminated = new AbortController()
process.on('SIGTERM', () => terminated.abort())

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
  // Without a port nothing else would keep Node from ending while the worker runs.
  const { stateDirectory, port } = settings
  setInterval(() => port === undefined && endIfForsaken(stateDirectory, log), 5000)
  try {
    const code = await run(settings, () => openStore(settings.store), log, terminated)
    // Node's own exit waits for its threads, and was seen to wait for ever. All is written, the code too
    // (state-directory.ts: ended), which supervise.sh goes by.
    process.kill(process.pid, 'SIGKILL')
    return code
  } catch (error) {
    log.fatal({ reason: 'Error', message: messageOf(error), error }, 'ended by an error')
    return 1
  }
}

/** By force, as any end: supervise.sh looks for the same. */
function endIfForsaken(stateDirectory: string, log: Log): void {
  const storing = terminated.signal.aborted
  const message = forsaken({ stateDirectory, starter: process.env.SUPERVISOR_STARTED_BY, storing })
  if (message === undefined) return
  log.fatal({ reason: 'Error', message }, 'gave up')
  process.kill(process.pid, 'SIGKILL')
}
