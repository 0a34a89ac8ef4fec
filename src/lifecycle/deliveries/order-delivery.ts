import type { DeliveryOrder, DeliveryTarget } from '../../job/deliveries/delivery-target.ts'
import type { Job } from '../../job/job.ts'
import type { JobRequest } from '../../job/request/request.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { type FieldError, invalidFields } from '../../util/errors.ts'
import { defined } from '../../util/objects.ts'
import { type SourceRules, unknownSecret } from '../deploy/input-sources.ts'
import { orderRound } from './delivery-rounds.ts'

/** Throws a Problem `invalid-request` that names each Secret that requests may not name. */
export function checkTargets(targets: readonly DeliveryTarget[], rules: SourceRules): void {
  const errors = targets.flatMap(({ secret }, index): FieldError[] => {
    if (rules.secrets.includes(secret)) return []
    return [{ field: `outputs.deliver[${index}].secret`, ...unknownSecret(rules) }]
  })
  if (errors.length > 0) throw invalidFields(errors)
}

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
