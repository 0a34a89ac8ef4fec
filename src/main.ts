import process from 'node:process'
import { type Config, loadConfig } from './config/config.ts'
import { start } from './server.ts'
import { StartError } from './util/errors.ts'
import { createLog } from './util/log.ts'

/**
 * The API's program: settings from the environment, SIGTERM and SIGINT end it. Exit code 2, with one
 * line on standard error, for what a person has to put right: settings, files that they name.
 */
let quitsAfter = Number.POSITIVE_INFINITY
process.exitCode = await main()

async function main(): Promise<number> {
  let config: Config
  try {
    config = loadConfig(process.env)
  } catch (error) {
    return refuseToStart(error)
  }
  const log = createLog('jobferry', config.log.level)
  const stopping = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopOrQuit(stopping, signal))
  try {
    const running = await start(config, log, stopping.signal)
    if (!stopping.signal.aborted) {
      await new Promise((resolve) => stopping.signal.addEventListener('abort', resolve, { once: true }))
    }
    log.info({ signal: String(stopping.signal.reason) }, 'shutting down')
    await running.close()
    return 0
  } catch (error) {
    if (stopping.signal.aborted) return 0
    if (error instanceof StartError) return refuseToStart(error)
    log.fatal({ error }, 'could not start')
    return 1
  }
}

/**
 * The first signal begins the shutdown. One within the same second is the first one again: npm
 * passes it on, and the terminal or the service manager sends it to the whole process group. A
 * later one is a person's who doesn't want to wait.
 */
function stopOrQuit(stopping: AbortController, signal: 'SIGTERM' | 'SIGINT'): void {
  if (!stopping.signal.aborted) {
    quitsAfter = performance.now() + 1000
    stopping.abort(signal)
  } else if (performance.now() > quitsAfter) {
    process.exit(1)
  }
}

function refuseToStart(error: unknown): number {
  if (!(error instanceof StartError)) throw error
  process.stderr.write(`${error.message}\n`)
  return 2
}
