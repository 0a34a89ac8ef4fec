import { defined } from '../../../util/objects.ts'
import type { KubernetesJob } from '../api/objects.ts'
import { decidedAgain } from '../job-metadata.ts'
import type { CachedAgain } from './again-cache.ts'

/**
 * A job's Jobs as one, as if Kubernetes had gone on with the first: its identity, the newest one's
 * conditions and suspension, the sums of their counts. A Job that is decided and not made yet
 * counts as one without pods.
 */
export function wholeJob(first: KubernetesJob, agains: readonly CachedAgain[]): KubernetesJob {
  const decided = decidedAgain(first)
  if (decided === undefined) return first
  const newest = agains.find(({ number }) => number === decided.number)?.job
  const jobs = [first, ...agains.map(({ job }) => job)]
  const limits = jobs.map(({ spec }) => spec?.backoffLimit ?? 0)
  if (newest === undefined) limits.push(decided.retries)
  const conditions = newest?.status?.conditions
  const deletionTimestamp = first.metadata?.deletionTimestamp ?? newest?.metadata?.deletionTimestamp
  return {
    ...first,
    metadata: { ...first.metadata, ...defined({ deletionTimestamp }) },
    spec: {
      template: {},
      ...first.spec,
      suspend: newest?.spec?.suspend ?? false,
      // Each Job fails with one failure more than its limit, and the next one goes on from there.
      backoffLimit: sum(limits) + decided.number,
    },
    status: {
      failed: sum(jobs.map(({ status }) => status?.failed ?? 0)),
      succeeded: sum(jobs.map(({ status }) => status?.succeeded ?? 0)),
      ...defined({ conditions }),
    },
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}
