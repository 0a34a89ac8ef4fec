import process from 'node:process'
import { type Config, ConfigError, loadConfig } from './config.ts'
import { createLog } from './log.ts'
import { start } from './server.ts'

/** The API's program: settings from the environment, SIGTERM and SIGINT end it, exit code 2 for wrong settings. */
process.exitCode = await main()

async function main(): Promise<number> {
  let config: Config
  try {
    config = loadConfig(process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    return 2
  }
  const log = createLog('jobferry', config.logLevel)
  const stopping = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort(signal))
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
    log.fatal({ error }, 'could not start')
    return 1
  }
}
