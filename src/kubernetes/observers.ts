import type { RemovalRules } from '../job/removal.ts'
import type { Log } from '../log.ts'
import type { Api } from './api.ts'
import type { JobCache } from './cache.ts'
import { Caretaker } from './caretaker.ts'
import type { Client } from './client.ts'
import { Diagnosis } from './diagnosis.ts'
import type { LeaseHolder } from './lease.ts'
import { LostNodes } from './lost-node.ts'
import { managedSelector } from './names.ts'
import { PodCheck } from './pod-check.ts'
import { slimJob, slimPod } from './slim.ts'
import { Watcher } from './watch.ts'

export interface ObserverParts {
  client: Client
  api: Api
  cache: JobCache
  lease: LeaseHolder
  rules: RemovalRules
  lostNodeMilliseconds: number
  log: Log
}

/** Begins to fill the cache and to do what that asks for; close() ends all of it and gives the Lease back. */
export function observeCluster(parts: ObserverParts) {
  const { client, api, cache, lease, rules, log } = parts
  const watched = { client, labelSelector: managedSelector, log }
  const watchers = [
    new Watcher({
      ...watched,
      what: 'Jobs',
      resource: api.jobs,
      slim: slimJob,
      onList: (jobs, list) => cache.listJobs(jobs, list),
      onEvent: (type, job) => (type === 'deleted' ? cache.loseJob(job) : cache.putJob(job)),
    }),
    new Watcher({
      ...watched,
      what: 'Pods',
      resource: api.pods,
      slim: slimPod,
      onList: (pods, list) => cache.listPods(pods, list),
      onEvent: (type, pod) => (type === 'deleted' ? cache.losePod(pod) : cache.putPod(pod)),
    }),
  ] as const
  const areCurrent = () => watchers.every((watcher) => watcher.isCurrent(lease.troubledAt))
  const podCheck = new PodCheck({ api, cache, log })
  void watchers[1].listed.then(() => podCheck.start())
  const diagnosis = new Diagnosis({ api, cache, log })
  void Promise.all(watchers.map(({ listed }) => listed)).then(() => diagnosis.start())
  const caretaker = new Caretaker({ api, cache, rules, log, holdsLease: () => lease.held })
  const lostNodes = new LostNodes({
    api,
    cache,
    patienceMilliseconds: parts.lostNodeMilliseconds,
    holdsLease: () => lease.held,
    seesChanges: areCurrent,
    log,
  })
  const unsubscribe = lease.onChange((held) => held && caretaker.sweep())
  lease.start()
  return {
    watchers,
    areCurrent,
    async close() {
      unsubscribe()
      const all = [...watchers, podCheck, diagnosis, caretaker, lostNodes]
      await Promise.all(all.map((one) => one.close()))
      await lease.close()
    },
  }
}
