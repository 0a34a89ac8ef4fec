import type { DeliveryOrder } from '../../job/deliveries/delivery-target.ts'
import type { Job } from '../../job/job.ts'
import type { JobRequest } from '../../job/request/request.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { defined } from '../../util/objects.ts'
import type { SourceRules } from '../deploy/input-sources.ts'
import { orderRound } from './delivery-rounds.ts'

/** Orders a round of the job's deliveries; nothing without targets or without a result. */
export async function orderDelivery(
  { store, inputSources: rules }: { store: ArtifactStore; inputSources: SourceRules },
  { job_uuid: uuid, attempt, result }: Job,
  request: JobRequest,
  round: number,
): Promise<void> {
  const targets = request.outputs?.deliver ?? []
  if (targets.length === 0 || attempt === null || !hasResult(result)) return
  const order: DeliveryOrder = {
    version: 1,
    attempt: attempt.uid,
    targets,
    timeout_seconds: request.upload_timeout_seconds,
    allow: rules.allow.text,
    allow_http: rules.allowHttp,
    ...defined({ ca: rules.ca }),
  }
  await orderRound(store, uuid, round, order)
}

export function hasResult({ state }: Job['result']): boolean {
  return state === 'complete' || state === 'partial'
}
