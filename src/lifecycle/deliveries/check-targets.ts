import type { DeliveryTarget } from '../../job/deliveries/delivery-target.ts'
import { parseSource } from '../../job/inputs/source-address.ts'
import { type FieldError, invalidFields } from '../../util/errors.ts'
import { type SourceRules, unknownSecret } from '../deploy/input-sources.ts'

export type TargetRules = Pick<SourceRules, 'secrets' | 'ownBucket'>

/** Throws a Problem `invalid-request` that names each target that is refused, and why. */
export function checkTargets(targets: readonly DeliveryTarget[], rules: TargetRules): void {
  const errors = targets.flatMap((target, index) =>
    targetErrors(target, rules).map(({ field, ...why }) => ({
      field: `outputs.deliver[${index}].${field}`,
      ...why,
    })),
  )
  if (errors.length > 0) throw invalidFields(errors)
}

/** Why nothing is delivered to the target; empty if it may be. Pure. */
export function targetErrors({ to, secret }: DeliveryTarget, rules: TargetRules): FieldError[] {
  const errors: FieldError[] = []
  if (isOwn(to, rules)) errors.push({ field: 'to', ...own })
  if (!rules.secrets.includes(secret)) errors.push({ field: 'secret', ...unknownSecret(rules) })
  return errors
}

const own = {
  problem: 'overlaps with the bucket and prefix in which Jobferry itself keeps all jobs',
  expected: 'another bucket, or a prefix neither above nor below S3_PREFIX',
}

/** By the bucket's name alone: one store has many addresses. Keys begin with S3_PREFIX as it is. */
function isOwn(to: string, { ownBucket }: TargetRules): boolean {
  const address = parseSource(to)
  if (ownBucket === undefined || address?.kind !== 's3' || address.bucket !== ownBucket.bucket) return false
  return address.key.startsWith(ownBucket.prefix) || ownBucket.prefix.startsWith(address.key)
}
