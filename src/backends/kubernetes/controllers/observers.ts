import type { RemovalRules } from '../../../job/removal.ts'
import { type Clock, systemClock } from '../../../util/clock.ts'
import type { Log } from '../../../util/log.ts'
import { Scheduler } from '../../../util/scheduler.ts'
import type { Api } from '../api/api.ts'
import type { Client } from '../api/client.ts'
import { Watcher } from '../api/watch.ts'
import type { JobCache } from '../cache/job-cache.ts'
import { pruneJob, prunePod } from '../cache/prune-objects.ts'
import { managedSelector } from '../names.ts'
import { createDiagnosisController } from './diagnosis-controller.ts'
import { JobReconciler } from './job-reconciler.ts'
import type { LeaseHolder } from './lease.ts'
import { endPodsOfLostNodes } from './lost-node-controller.ts'
import { createMissingPodsController } from './missing-pods-controller.ts'
import { createRepairController } from './repair-controller.ts'
import { createWordController } from './word-controller.ts'

export interface ObserverParts {
  client: Client
  api: Api
  cache: JobCache
  lease: LeaseHolder
  rules: RemovalRules
  lostNodeMilliseconds: number
  log: Log
  clock?: Clock
}

/**
 * Begins to fill the cache and to do what that asks for; close() ends all of it and gives the Lease
 * back.
 */
export function observeCluster(parts: ObserverParts) {
  const { client, api, cache, lease, rules, log, clock = systemClock } = parts
  const watched = { client, labelSelector: managedSelector, log, clock }
  const watchers = [
    new Watcher({
      ...watched,
      kind: 'Jobs',
      resource: api.jobs,
      prune: pruneJob,
      onList: (jobs, list) => cache.listJobs(jobs, list),
      onEvent: (type, job) => (type === 'deleted' ? cache.loseJob(job) : cache.putJob(job)),
    }),
    new Watcher({
      ...watched,
      kind: 'Pods',
      resource: api.pods,
      prune: prunePod,
      onList: (pods, list) => cache.listPods(pods, list),
      onEvent: (type, pod) => (type === 'deleted' ? cache.losePod(pod) : cache.putPod(pod)),
    }),
  ] as const
  const areCurrent = () => watchers.every((watcher) => watcher.isCurrent(lease.troubledAt))
  const [jobs, pods] = watchers
  const isLeader = () => lease.isLeader()
  const queue = new Scheduler(clock)
  const closing = new AbortController()
  const { signal } = closing
  const reconciler = new JobReconciler({ cache, queue, clock, log })
  reconciler.add(createRepairController({ api, cache, isLeader, rules, log }))
  const untilListed = { api, cache, clock, signal, log }
  void pods.listed.then(() => reconciler.add(createMissingPodsController(untilListed)))
  void Promise.all([jobs.listed, pods.listed]).then(() => {
    reconciler.add(createDiagnosisController(untilListed))
    reconciler.add(createWordController(untilListed))
  })
  endPodsOfLostNodes({
    ...{ api, cache, queue, clock, isLeader, log },
    patienceMilliseconds: parts.lostNodeMilliseconds,
    seesChanges: areCurrent,
  })
  const unsubscribe = lease.onChange((leads) => leads && reconciler.reconcileAll())
  lease.start()
  return {
    watchers,
    areCurrent,
    async close() {
      unsubscribe()
      closing.abort()
      const all = [...watchers, reconciler, queue]
      await Promise.all(all.map((one) => one.close()))
      await lease.close()
    },
  }
}
