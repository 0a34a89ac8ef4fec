import { setFlagsFromString } from 'node:v8'
import { openUploaderStore } from '../src/store/store-kinds.ts'
import { messageOf } from '../src/util/errors.ts'
import { createLog, type Log } from '../src/util/log.ts'
import { keepNames } from './names/keep-names.ts'
import { lookupBy } from './names/lookup.ts'
import { orphanedReason } from './orphaned.ts'
import { readSettings } from './read-uploader-settings.ts'
import { runUploader } from './run.ts'
import type { StateDirectory } from './state-directory.ts'
import { exitCode, type UploaderSettings } from './uploader-settings.ts'

// The pod's memory belongs to the worker. Set before the store is loaded: optimized WebAssembly of
// undici takes 20 MiB without making its short messages faster, and the heap would grow rather than
// collect. supervise.sh sets the rest.
for (const flag of ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering', '--optimize-for-size'])
  setFlagsFromString(flag)

// As early as possible: until then SIGTERM ends the program, and supervise.sh starts it again.
const terminated = new AbortController()
process.on('SIGTERM', () => terminated.abort())

process.exit(await main())

async function main(): Promise<number> {
  if (process.env.DELIVERY_ROUND) return await deliver()
  const log = createLog('uploader')
  let settings: UploaderSettings
  try {
    settings = readSettings(process.env)
  } catch (error) {
    log.fatal({ reason: 'Error', message: messageOf(error) }, 'the uploader gave up')
    return exitCode.gaveUp
  }
  // Without a port nothing else would keep Node from ending while the worker runs.
  const { stateDirectory, port } = settings
  setInterval(() => port === undefined && endIfForsaken(stateDirectory, log), 5000)
  // Without a port no worker shares the files of /etc.
  const openStore = (state: StateDirectory) =>
    openUploaderStore(settings.store, port === undefined ? undefined : lookupBy(keepNames(state)))
  try {
    const code = await runUploader(settings, openStore, log, terminated)
    // Node's exit waits for its threads, sometimes for ever. Everything is written by now, also the
    // exit code that supervise.sh reads (state-directory.ts: ended).
    process.kill(process.pid, 'SIGKILL')
    return code
  } catch (error) {
    log.fatal({ reason: 'Error', message: messageOf(error), error }, 'the uploader ended with an error')
    return 1
  }
}

/** The same program in another mode: it brings a committed result to another bucket. */
async function deliver(): Promise<number> {
  const log = createLog('delivery')
  try {
    const { readDeliverySettings } = await import('./deliver/delivery-settings.ts')
    const { runDelivery } = await import('./deliver/run-delivery.ts')
    const settings = readDeliverySettings(process.env)
    await runDelivery(settings, await openUploaderStore(settings.store), log, terminated.signal)
    return 0
  } catch (error) {
    log.error({ error }, 'the delivery ended with an error')
    return 1
  }
}

/** By SIGKILL, as every end of this program; supervise.sh checks for the same. */
function endIfForsaken(stateDirectory: string, log: Log): void {
  const storing = terminated.signal.aborted
  const message = orphanedReason({ stateDirectory, starter: process.env.SUPERVISOR_STARTED_BY, storing })
  if (message === undefined) return
  log.fatal({ reason: 'Error', message }, 'the uploader gave up')
  process.kill(process.pid, 'SIGKILL')
}
