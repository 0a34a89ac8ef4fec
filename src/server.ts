import type { Config } from './config/config.ts'
import { createProbeServer } from './http/limits/probe-server.ts'
import type { HttpOptions } from './http/options.ts'
import { createProbeApp } from './http/probe-app.ts'
import type { Services } from './http/services.ts'
import { type ArtifactStore, StoreError } from './store/store.ts'
import { absenceDelay } from './util/backoff.ts'
import { systemClock } from './util/clock.ts'
import { messageOf } from './util/errors.ts'
import { createLog, type Log } from './util/log.ts'
import { defined } from './util/objects.ts'
import { createApiServer } from './wiring/api-server.ts'
import { makeDataDirectory } from './wiring/data-directory.ts'
import { followSettings } from './wiring/follow-settings.ts'
import { httpOptions, setTokens } from './wiring/http-options.ts'
import { listen } from './wiring/listen.ts'
import { type Cleanup, createServices } from './wiring/services.ts'
import { makeStartToken, type StartToken, writeStartToken } from './wiring/start-token.ts'

export interface Running {
  /** The address on which it listens: `http://127.0.0.1:8888`. */
  url: string
  /** The address of the port for probes, with PROBE_PORT. */
  probeUrl?: string
  /** Lets running requests finish, for `shutdownSeconds` at most, then frees everything. */
  close(): Promise<void>
}

/**
 * Starts the API. It listens at once (`/health/live`) and is ready when this resolves: store and
 * backend have answered, until then it keeps trying. Rejects with a StartError if it can't listen, or
 * a kubeconfig, a configured job or DATA_DIRECTORY is wrong, and with the signal's reason.
 */
export async function start(
  config: Config,
  log: Log = createLog('jobferry', config.log.level),
  signal?: AbortSignal,
): Promise<Running> {
  await makeDataDirectory(config, log, signal)
  log.info({ why: config.because.backend }, `backend: ${config.backend}`)
  log.info({ why: config.because.store }, `store: ${config.store.kind}`)
  if (config.settingsFile !== undefined)
    log.info({ file: config.settingsFile }, 'settings are read from a file')
  for (const warning of config.warnings) log.warn(warning)
  const cleanups: Cleanup[] = []
  const closing = new AbortController()
  let ready = false
  const close = async () => {
    ready = false
    closing.abort()
    for (const cleanup of cleanups.splice(0).reverse()) {
      await Promise.resolve(cleanup()).catch((error: unknown) =>
        log.error({ error }, 'a step of the shutdown failed'),
      )
    }
  }
  try {
    const state = { ready: () => ready, shutdown: closing.signal }
    const { services, follow, setPolicy } = await createServices(config, log, state, cleanups)
    const { backend, store } = services
    const startToken = await makeStartToken(config)
    const options = httpOptions(config, startToken)
    const probeUrl = await listenForProbes(services, config, options, cleanups)
    const server = createApiServer(services, options, config.limits)
    const { host, port, shutdownSeconds } = config.http
    const { url, finish } = await listen(server, host, { name: 'PORT', port })
    cleanups.push(() => finish(shutdownSeconds))
    log.info({ url, probeUrl }, 'listening')
    const stopped = AbortSignal.any([closing.signal, ...(signal ? [signal] : [])])
    await prepareStore(store, log, stopped)
    await backend.start(stopped)
    stopped.throwIfAborted()
    const tokenFile = await writeStartToken(config, startToken)
    if (startToken) announce(startToken, tokenFile, log)
    follow()
    cleanups.push(followSettings(config, { setTokens: (auth) => setTokens(options, auth), setPolicy }, log))
    ready = true
    log.info({ backend: backend.name, store: store.name, url, probeUrl }, 'ready')
    return { url, ...defined({ probeUrl }), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function listenForProbes(
  services: Services,
  { http }: Config,
  options: HttpOptions,
  cleanups: Cleanup[],
): Promise<string | undefined> {
  if (http.probePort === undefined) return undefined
  const server = createProbeServer(createProbeApp(services, options))
  const { url, finish } = await listen(server, http.host, { name: 'PROBE_PORT', port: http.probePort })
  cleanups.push(() => finish(0))
  return url
}

function announce({ text }: StartToken, file: string | undefined, log: Log): void {
  log.warn(
    { token: text, file },
    'callers may run commands: they send `Authorization: Bearer <token>` with this token; ' +
      'API_TOKENS sets others, ALLOW_UNAUTHENTICATED=1 lets everybody in',
  )
}

/** Retries until the store has answered. */
async function prepareStore(store: ArtifactStore, log: Log, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await store.prepare(signal)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof StoreError && error.kind === 'full') {
        // What it holds can be read, and deleting makes room.
        log.error({ store: store.name, error: error.message }, 'the store is full')
        return
      }
      log.error(
        { store: store.name, error: messageOf(error) },
        'the store can not be used yet; it is tried again',
      )
      await systemClock.sleep(absenceDelay(attempt), { signal })
    }
  }
}
