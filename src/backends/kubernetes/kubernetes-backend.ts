import { once } from 'node:events'
import type { JobBackend, ReadLogOptions } from '../../job/backend.ts'
import type { Leadership } from '../../job/leadership.ts'
import { quietRemoval, type RemovalRules } from '../../job/removal.ts'
import type { Log } from '../../util/log.ts'
import { within } from '../../util/timers.ts'
import { type Api, createApi } from './api/api.ts'
import { createClient } from './api/client.ts'
import { clusterConfig } from './api/cluster-config.ts'
import { readKubeConfig } from './api/read-kube-config.ts'
import { rejectProblem } from './api/status-error.ts'
import { JobCache } from './cache/job-cache.ts'
import { LeaseHolder } from './controllers/lease.ts'
import { observeCluster } from './controllers/observers.ts'
import { createDeliveryJobs } from './deliveries/delivery-jobs.ts'
import { attemptNumber, earlierAttempts, shownPod } from './observation/disruptions.ts'
import { createEnvironments } from './operations/environments.ts'
import { createJobActions } from './operations/job-actions.ts'
import { openPodLog } from './operations/logs.ts'
import { createPodSelectors } from './operations/pod-selectors.ts'
import { readOwnImage } from './own-pod/own-image.ts'
import { reservedSources } from './own-pod/reserved.ts'
import type { KubernetesSettings } from './settings.ts'

/** Upper bound for close(), with the release of the Lease. */
const closeMilliseconds = 3_000

/**
 * Runs jobs on a cluster, and elects a leader by a Lease from start() to close(). Throws a StartError
 * if the kubeconfig cannot be used; makes no call before start().
 */
export function createKubernetesBackend(
  given: KubernetesSettings,
  log: Log,
  rules: RemovalRules = quietRemoval,
): { backend: JobBackend; leadership: Leadership } {
  let settings = given
  const { cluster } = settings
  const client = createClient(cluster ? clusterConfig(cluster) : readKubeConfig(settings.kubeconfig))
  const api = createApi(client, settings.namespace)
  const cache = new JobCache((error, name) =>
    log.error({ error, name }, 'a job of the cluster could not be processed'),
  )
  const lease = new LeaseHolder({ api, log, ...(settings.identity && { identity: settings.identity }) })
  let observers: ReturnType<typeof observeCluster> | undefined

  const backend: JobBackend = {
    ...createJobActions({ api, cache, log, settings: () => settings }),
    name: `kubernetes ${client.server}, namespace ${settings.namespace}${cluster?.verify === false ? ', its certificate is not checked' : ''}`,
    environments: createEnvironments(api),
    deliveries: createDeliveryJobs(api, () => settings),
    podSelectors: createPodSelectors(api, storeAddresses(settings), log),
    reserved: (sources) => reservedSources(api, settings.ownPod, sources),

    async start(signal) {
      signal?.throwIfAborted()
      const lostNodeMilliseconds = settings.lostNodeSeconds * 1000
      observers = observeCluster({ client, api, cache, lease, rules, lostNodeMilliseconds, log })
      const listed = Promise.all(observers.watchers.map((watcher) => watcher.listed))
      await (signal ? Promise.race([listed, once(signal, 'abort')]) : listed)
      signal?.throwIfAborted()
      if (settings.uploaderImage === '') {
        settings = { ...settings, uploaderImage: await readOwnImage(api, settings.ownPod) }
      }
    },

    missing: () => [...(observers?.watchers ?? []), lease].flatMap(({ trouble }) => trouble ?? []),

    isCurrent: () => observers?.areCurrent() === true,

    get: (uuid) => cache.get(uuid),
    list: () => cache.list(),
    subscribe: (listener) => cache.subscribe(listener),

    earlierAttempts: (uuid) => {
      const seen = cache.cachedJob(uuid)
      return seen === undefined ? [] : earlierAttempts(seen.job, seen.pods)
    },

    log: (uuid, options) => logOf(api, cache, uuid, options),

    async close() {
      const observed = observers?.close() ?? Promise.resolve()
      // An API server that does not answer would delay this by the timeout of one or more calls.
      await within(closeMilliseconds, observed)
      await client.close()
      await observed
      await settings.store.folderCredentials?.close()
    },
  }
  return { backend, leadership: lease }
}

/** Of a store as pods reach it: those of its variables that are addresses. */
function storeAddresses({ store }: KubernetesSettings): string[] {
  return Object.values(store.variables('/')).filter((value) => /^https?:/.test(value))
}

async function logOf(api: Api, cache: JobCache, uuid: string, options: ReadLogOptions) {
  const seen = cache.cachedJob(uuid)
  if (seen === undefined) return undefined
  const { job, pods } = seen
  const { attempt } = options
  const found =
    attempt === undefined
      ? shownPod(job, pods)
      : pods.find((pod) => attemptNumber(job, pods, pod) === attempt)
  if (found === undefined || found.goneAt !== undefined) return undefined
  return await openPodLog(api, found.pod, options).catch(rejectProblem)
}
