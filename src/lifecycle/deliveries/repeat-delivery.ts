import { isDeliveryOver } from '../../job/deliveries/delivery-answer.ts'
import { isFinal, type Job } from '../../job/job.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { Problem } from '../../util/errors.ts'
import type { SourceRules } from '../deploy/input-sources.ts'
import { expiredProblem } from '../job-answer.ts'
import type { Records } from '../records/records.ts'
import { type StoredJob, storedJob } from '../stored-job.ts'
import type { Tracker } from '../tracking/tracker.ts'
import { checkTargets } from './check-targets.ts'
import { newestRound, roundState } from './delivery-rounds.ts'
import { hasResult, orderDelivery } from './order-delivery.ts'
import { withDeliveries } from './show-deliveries.ts'

export interface RepeatParts {
  store: ArtifactStore
  tracker: Tracker
  records: Records
  inputSources: SourceRules
  deliveries: { kick(): void }
}

/**
 * Orders the job's deliveries once more, unless they are under way. Rejects with StoreError and
 * with Problem: `not-found`, `not-final`, `expired`, `result-missing`, `conflict` for a request
 * without targets, `invalid-request` for targets that requests may not name any more.
 */
export async function repeatDelivery(parts: RepeatParts, uuid: string): Promise<Job> {
  const { store, tracker, records, deliveries } = parts
  const stored = await storedJob(tracker, records, uuid)
  if (stored === undefined) throw new Problem('not-found', `there is no job ${uuid}`)
  checkDelivery(stored, parts.inputSources)
  const of = { uuid, attempt: stored.job.attempt?.uid ?? '' }
  const newest = await newestRound(store, of)
  const isOver = (await roundState(store, of, newest))?.deliveries.every(isDeliveryOver)
  const round = newest === 0 || isOver ? newest + 1 : newest
  await orderDelivery(parts, stored.job, stored.request, round)
  deliveries.kick()
  return await withDeliveries(store, stored.job)
}

function checkDelivery({ job, request }: StoredJob, rules: SourceRules): void {
  const { job_uuid: uuid, state, result } = job
  const targets = request.outputs?.deliver
  if (targets === undefined) {
    throw new Problem('conflict', `the request of job ${uuid} has no \`outputs.deliver\``)
  }
  if (!isFinal(state)) {
    const detail = `job ${uuid} is ${state}; its result is delivered once it has ended`
    throw new Problem('not-final', detail, { retryAfterSeconds: 5 })
  }
  if (result.state === 'expired') throw expiredProblem(job)
  if (!hasResult(result)) throw new Problem('result-missing', `job ${uuid} left no results`)
  checkTargets(targets, rules)
}
