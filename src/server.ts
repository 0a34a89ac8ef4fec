import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { openUploads } from './artifact/checkpoint.ts'
import type { ArtifactStore } from './artifact/store.ts'
import { createBackend, createStore } from './backends.ts'
import { createCompletion } from './completion/create-completion.ts'
import { loadDatasets } from './completion/datasets/load-datasets.ts'
import { type Config, isLoopback } from './config.ts'
import { createDataSpaces } from './data-spaces.ts'
import { messageOf } from './errors.ts'
import { createApp } from './http/app.ts'
import { createMetrics } from './http/metrics.ts'
import type { HttpOptions } from './http/options.ts'
import { createLimitedServer } from './http/server-limits.ts'
import type { Services } from './http/services.ts'
import { loadConfiguredJobs } from './lifecycle/configured-jobs.ts'
import { createJobs } from './lifecycle/create-jobs.ts'
import { removalRules } from './lifecycle/janitor.ts'
import { createLocateResult } from './lifecycle/locate-result.ts'
import { createStoreHealth } from './lifecycle/store-health.ts'
import { clusterFields, commandFields } from './local/supported-fields.ts'
import { createLog, type Log } from './log.ts'

export interface Running {
  /** Where it listens: `http://127.0.0.1:8888`. */
  url: string
  /** Lets requests that are under way finish, at most `shutdownSeconds`, then frees everything. */
  close(): Promise<void>
}

/**
 * Starts the API: it listens at once (`/health/live`), and is ready, which this resolves with, when store and
 * backend have answered; until then it keeps trying. Rejects when it can't listen, when a configured job is
 * wrong, or with the signal's reason.
 */
export async function start(
  config: Config,
  log: Log = createLog('jobferry', config.logLevel),
  signal?: AbortSignal,
): Promise<Running> {
  log.info({ why: config.because.backend }, `backend: ${config.backend.kind}`)
  log.info({ why: config.because.store }, `store: ${config.store.kind}`)
  const cleanups: Cleanup[] = []
  const closing = new AbortController()
  let ready = false
  const close = async () => {
    ready = false
    closing.abort()
    for (const cleanup of cleanups.splice(0).reverse()) {
      await Promise.resolve(cleanup()).catch((error: unknown) => log.error({ error }, 'while shutting down'))
    }
  }
  try {
    const parts = { ready: () => ready, shutdown: closing.signal }
    const { services, follow } = await assemble(config, log, parts, cleanups)
    const { backend, store } = services
    const server = createLimitedServer(createApp(services, httpOptions(config)))
    const url = await listen(server, config)
    cleanups.push(() => finishRequests(server, config.shutdownSeconds))
    log.info({ url }, 'listening')
    const both = AbortSignal.any([closing.signal, ...(signal ? [signal] : [])])
    await untilPrepared(store, log, both)
    await backend.start(both)
    both.throwIfAborted()
    follow()
    ready = true
    log.info({ backend: backend.name, store: store.name, url }, 'ready')
    return { url, close }
  } catch (error) {
    await close()
    throw error
  }
}

type Cleanup = () => unknown

/** All that the routes call, and what begins to follow the jobs; `cleanups` gets what ends each. */
async function assemble(
  config: Config,
  log: Log,
  parts: Pick<Services, 'ready' | 'shutdown'>,
  cleanups: Cleanup[],
): Promise<{ services: Services; follow(): void }> {
  const store = await createStore(config)
  cleanups.push(() => store.close())
  const { intervalSeconds, dryRun } = config.janitor
  const rules = removalRules(dryRun, log, (removal) => metrics.removed(removal))
  const backend = await createBackend(config, log, rules)
  cleanups.push(() => backend.close())
  const configured = await loadConfiguredJobs(config.jobsDirectory, log)
  cleanups.push(() => configured.close())
  const datasets = await loadDatasets(config.datasetsFile, log)
  cleanups.push(() => datasets.close())
  const { outgoing, callbackSecrets, publicUrl } = config
  const heartbeatMilliseconds = config.eventHeartbeatSeconds * 1000
  const completion = createCompletion({
    ...{ store, lease: backend, log, outgoing, callbackSecrets, publicUrl, heartbeatMilliseconds },
  })
  cleanups.push(() => completion.close())
  const { jobs, ...following } = createJobs({
    backend,
    store,
    log,
    openUploads: (uuid, attempt) => openUploads(store, uuid, attempt),
    namespace: config.namespace,
    inputMaxBytes: config.inputMaxBytes,
    janitor: { intervalSeconds, rules },
    tellEnd: completion.tellEnd,
    onGivenUp: () => metrics.givenUp(),
    onArchived({ state, reason, result: { state: kept, count, bytes } }) {
      metrics.ended({ state, reason })
      metrics.uploaded({ state: kept ?? 'missing', count: count ?? 0, bytes: bytes ?? 0 })
    },
  })
  const metrics = createMetrics(() => jobs.countByState())
  cleanups.push(() => following.close())
  const locateResult = createLocateResult(jobs)
  const storeHealth = createStoreHealth(store)
  const base = { jobs, backend, store, storeHealth, locateResult, configured, completion, datasets, log }
  const {
    start: startDataSpaces,
    close: closeDataSpaces,
    ...dataSpaces
  } = createDataSpaces(config, { ...base, metrics })
  cleanups.push(closeDataSpaces)
  return {
    services: { ...base, ...dataSpaces, metrics, ...parts },
    follow() {
      completion.start()
      cleanups.push(jobs.watch(completion.changed))
      startDataSpaces(parts.shutdown)
      following.start()
    },
  }
}

function httpOptions(config: Config): HttpOptions {
  const { backend, publicUrl, tokens, host, inputMaxBytes, waitMaxSeconds, demoWaitSeconds } = config
  const { provisionTokens } = config
  return {
    publicUrl,
    tokens,
    provisionTokens,
    loopbackOnly: isLoopback(host),
    inputMaxBytes,
    waitMaxSeconds,
    demoWaitSeconds,
    refusedFields: backend.kind === 'local' ? refusedLocally(backend.allowCommands) : undefined,
  }
}

/** Fields that callers can't give where jobs are child processes, with what is expected instead. */
function refusedLocally(allowCommands: boolean): Record<string, string> {
  const onCluster = 'no such field, or a Jobferry with a cluster (KUBECONFIG): jobs are child processes here'
  const configured = 'a configured job (field job), or LOCAL_ALLOW_COMMANDS=1 in the settings'
  return Object.fromEntries([
    ...clusterFields.map((field) => [field, onCluster]),
    ...(allowCommands ? [] : commandFields.map((field) => [field, configured])),
  ])
}

async function listen(server: Server, { host, port }: Config): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const address = server.address() as AddressInfo
  return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
}

async function untilPrepared(store: ArtifactStore, log: Log, signal: AbortSignal): Promise<void> {
  for (let delay = 250; ; delay = Math.min(10_000, delay * 2)) {
    try {
      return await store.prepare(signal)
    } catch (error) {
      signal.throwIfAborted()
      log.error({ store: store.name, error: messageOf(error) }, 'the store can not be used yet; trying again')
      await sleep(delay, undefined, { signal })
    }
  }
}

async function finishRequests(server: Server, seconds: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // Node keeps a connection whose last request is answered after this for as long as any (tried).
  const idle = setInterval(() => server.closeIdleConnections(), 100)
  const timer = setTimeout(() => server.closeAllConnections(), seconds * 1000)
  await closed
  clearInterval(idle)
  clearTimeout(timer)
}
