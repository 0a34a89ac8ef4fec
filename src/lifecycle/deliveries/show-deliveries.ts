import { newDelivery, type ResultDelivery } from '../../job/deliveries/delivery-answer.ts'
import { isFinal, type Job } from '../../job/job.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { newestRound, roundState } from './delivery-rounds.ts'
import { hasResult } from './order-delivery.ts'

/**
 * The job with the states of its deliveries, which are read from the store: the record of a job
 * never changes, and they do. Rejects with StoreError.
 */
export async function withDeliveries(store: ArtifactStore, job: Job): Promise<Job> {
  const { job_uuid: uuid, delivers_to: targets, attempt } = job
  if (targets === undefined) return job
  if (!isFinal(job.state)) return { ...job, deliveries: targets.map((to) => notBegun(job, to, 0)) }
  const of = { uuid, attempt: attempt?.uid ?? '' }
  const round = attempt === null ? 0 : await newestRound(store, of)
  const state = round === 0 ? undefined : await roundState(store, of, round)
  return { ...job, deliveries: state?.deliveries ?? targets.map((to) => notBegun(job, to, round)) }
}

function notBegun({ state, result, message, finished_at }: Job, to: string, round: number): ResultDelivery {
  const waiting = newDelivery(to)
  if (!isFinal(state)) return { ...waiting, message: 'the job has not ended' }
  if (round > 0 || hasResult(result)) return waiting
  const why = `nothing is delivered: the result is ${result.state}${message === null ? '' : ` (${message})`}`
  return { ...waiting, state: 'failed', reason: 'NoResult', message: why, finished_at }
}
