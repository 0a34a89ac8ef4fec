import { messageOf } from '../../../util/errors.ts'
import { Semaphore } from '../../../util/semaphore.ts'
import type { CachedJob } from '../cache/cached-job.ts'
import { podsOfJobs } from '../names.ts'
import { missingPods, type PodListing } from '../policies/missing-pods.ts'
import type { Controller, ReaderParts } from './job-reconciler.ts'

const listsAtOnce = 4
const retryMilliseconds = 1_000

/**
 * Lists the pods of jobs whose pods the watch has not shown. To be added once all pods were listed.
 */
export function createMissingPodsController(parts: ReaderParts): Controller<PodListing> {
  const { api, cache, clock, log, signal } = parts
  const slots = new Semaphore(listsAtOnce)

  const list = async ({ uuid, job, agains }: CachedJob, key: string) => {
    try {
      // By the Job controller's label: a client may have taken ours away.
      const uids = [job, ...agains.map((one) => one.job)].map(({ metadata }) => metadata?.uid ?? '')
      const labelSelector = podsOfJobs(uids)
      const { items } = await api.pods.list({ labelSelector })
      cache.knowPods(uuid, key, items)
    } catch (error) {
      log.warn({ job: uuid, error: messageOf(error) }, 'the pods of a job could not be listed')
      // Keeps its slot: an API server in trouble gets few calls, however many jobs there are.
      await clock.sleep(retryMilliseconds, { signal }).catch(() => undefined)
    }
  }

  return {
    name: 'missing-pods',
    decide: (job, now, last) =>
      missingPods(job, now, last && last.action.unlabelledPod !== 'no' ? last.at : undefined),
    async run({ uuid }, { unlabelledPod }) {
      if (unlabelledPod === 'newly')
        log.warn({ job: uuid }, 'the watch no longer shows a pod that may still run')
      const leave = await slots.acquire()
      try {
        // The job may have changed while others had the slots.
        const seen = cache.cachedJob(uuid)
        const decision = seen && missingPods(seen, clock.now(), undefined)
        if (signal.aborted || seen === undefined || !decision || !('action' in decision)) return
        await list(seen, decision.action.podsKey)
      } finally {
        leave()
      }
    },
    pauseAfter: () => 0,
  }
}
