import type { DeliveryOrder } from '../../job/deliveries/delivery-target.ts'
import type { Job } from '../../job/job.ts'
import type { JobRequest } from '../../job/request/request.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { defined } from '../../util/objects.ts'
import type { SourceRules } from '../deploy/input-sources.ts'
import { orderRound } from './delivery-rounds.ts'

/** Orders a round of the job's deliveries; nothing without targets or without a result. */
export async function orderDelivery(
  { store }: { store: ArtifactStore },
  { job_uuid: uuid, attempt, result }: Job,
  request: JobRequest,
  round: number,
): Promise<void> {
  const targets = request.outputs?.deliver ?? []
  if (targets.length === 0 || attempt === null || !hasResult(result)) return
  await orderRound(store, { uuid, attempt: attempt.uid }, round)
}

/** What a round's program is to do, by the job's request and the settings of now. Pure. */
export function deliveryOrder(
  { attempt }: Pick<Job, 'attempt'>,
  { outputs, upload_timeout_seconds }: JobRequest,
  rules: SourceRules,
): DeliveryOrder | undefined {
  const targets = outputs?.deliver ?? []
  if (targets.length === 0 || attempt === null) return undefined
  return {
    version: 1,
    attempt: attempt.uid,
    targets,
    timeout_seconds: upload_timeout_seconds,
    allow: rules.allow.text,
    allow_http: rules.allowHttp,
    ...defined({ ca: rules.ca }),
  }
}

export function hasResult({ state }: Job['result']): boolean {
  return state === 'complete' || state === 'partial'
}
