import { once } from 'node:events'
import { KubeConfig } from '@kubernetes/client-node'
import { within } from '../artifact/timers.ts'
import { messageOf } from '../errors.ts'
import type { JobBackend, LogOptions } from '../job/backend.ts'
import { quietRemoval, type RemovalRules } from '../job/removal.ts'
import type { Log } from '../log.ts'
import { type Api, createApi } from './api.ts'
import { JobCache } from './cache.ts'
import { createClient } from './client.ts'
import { createJob } from './creation.ts'
import { shownPod } from './disruptions.ts'
import { createEnvironments } from './environments.ts'
import { LeaseHolder } from './lease.ts'
import { openLog } from './logs.ts'
import { isArchived, requestSha256Of } from './marks.ts'
import { jobName } from './names.ts'
import { observeCluster } from './observers.ts'
import { discardJob, releaseJob } from './release.ts'
import { startRescue } from './rescue.ts'
import type { KubernetesSettings } from './settings.ts'
import { hasStatus, problemOf } from './status-error.ts'
import { stopJob } from './stop.ts'
import { tellUploaders } from './tell.ts'

/** What is under way at the end may take that long, giving the Lease back included. */
const closeMilliseconds = 3_000

/** Runs jobs on a cluster. Throws where the kubeconfig can't be read; nothing is called before start(). */
export function createKubernetesBackend(
  settings: KubernetesSettings,
  log: Log,
  rules: RemovalRules = quietRemoval,
): JobBackend {
  const client = createClient(loadKubeConfig(settings.kubeconfig))
  const api = createApi(client, settings.namespace)
  const cache = new JobCache((error, name) =>
    log.error({ error, name }, 'a job of the cluster could not be looked at'),
  )
  const lease = new LeaseHolder({ api, log, ...(settings.identity ? { identity: settings.identity } : {}) })
  let observers: ReturnType<typeof observeCluster> | undefined

  return {
    name: `kubernetes ${client.server}, namespace ${settings.namespace}`,
    kind: 'kubernetes',
    environments: createEnvironments(api),

    async start(signal) {
      signal?.throwIfAborted()
      const lostNodeMilliseconds = settings.lostNodeSeconds * 1000
      observers = observeCluster({ client, api, cache, lease, rules, lostNodeMilliseconds, log })
      const listed = Promise.all(observers.watchers.map((watcher) => watcher.listed))
      await (signal ? Promise.race([listed, once(signal, 'abort')]) : listed)
      signal?.throwIfAborted()
    },

    missing: () => [...(observers?.watchers ?? []), lease].flatMap(({ trouble }) => trouble ?? []),

    isCurrent: () => observers?.areCurrent() === true,

    async create(plan) {
      const { created, job } = await createJob(api, settings, plan)
      cache.putJob(job)
      return { created, requestSha256: requestSha256Of(job) }
    },

    get: (uuid) => cache.get(uuid),

    async look(uuid) {
      const job = await api.jobs.get(jobName(uuid)).catch(rejectProblem)
      if (job !== undefined) cache.putJob(job)
    },

    list: () => cache.list(),
    subscribe: (listener) => cache.subscribe(listener),

    async stop(uuid, stop) {
      const job = await stopJob(api, uuid, stop).catch(rejectProblem)
      if (job !== undefined) cache.putJob(job)
      return job !== undefined && !isArchived(job)
    },

    async release(uuid, keepSeconds) {
      const job = await releaseJob(api, uuid, keepSeconds).catch(rejectProblem)
      if (job !== undefined) cache.putJob(job)
    },

    discard: (uuid) => discardJob(api, uuid).catch(rejectProblem),

    tell: (uuid, stop) => tellUploaders(api, uuid, stop),

    async rescue(uuid) {
      const seen = cache.seen(uuid)
      const shown = seen && shownPod(seen.job, seen.pods)
      if (shown === undefined) return
      try {
        await startRescue(api, settings, uuid, shown)
      } catch (error) {
        // A quota, a missing permission: what the cluster refuses now it will refuse again.
        if (!hasStatus(error, 400, 403, 413, 422)) rejectProblem(error)
        cache.refuseRescue(uuid, messageOf(error))
      }
    },

    log: (uuid, options) => shownLog(api, cache, uuid, options),

    holdsLease: () => lease.held,
    onLease: (listener) => lease.onChange(listener),

    async close() {
      const observed = observers?.close() ?? Promise.resolve()
      // An API server that doesn't answer would hold it for a call's whole time, or several.
      await within(closeMilliseconds, observed)
      await client.close()
      await observed
    },
  }
}

async function shownLog(api: Api, cache: JobCache, uuid: string, options: LogOptions) {
  const seen = cache.seen(uuid)
  const shown = seen && shownPod(seen.job, seen.pods)
  if (shown === undefined || shown.goneAt !== undefined) return undefined
  return await openLog(api, shown.pod, options).catch(rejectProblem)
}

function loadKubeConfig(path: string | undefined): KubeConfig {
  const config = new KubeConfig()
  if (path === undefined) config.loadFromDefault()
  else config.loadFromFile(path)
  return config
}

function rejectProblem(error: unknown): never {
  throw problemOf(error)
}
