import type { JobRequest } from '../request/request.ts'
import { bringsProgram } from './judge.ts'
import type { JudgedRequest, PolicyContext } from './judged-request.ts'
import { amountOf, type LimitedField, limitedFields, type Policy } from './policy.ts'

/** As POD_SECURITY=restricted has it. */
const unprivilegedUser = 1000
/** Absent, these ask for nothing rather than for an unlimited amount. */
const noneIfAbsent: readonly LimitedField[] = [
  'gpu',
  'shared_memory',
  'retries',
  'hold_after_failure_seconds',
]

/**
 * A request with the policy's values in the fields that neither the caller nor the configured job
 * gives: the default, else the maximum where an absent value means no limit or more than the
 * maximum.
 */
export function withPolicyDefaults(
  request: JobRequest,
  judged: JudgedRequest,
  policy: Policy,
  context: PolicyContext,
): JobRequest {
  const { given, configured } = judged
  const defaults: Partial<Record<LimitedField, string | number>> = policy.default
  const filled = Object.fromEntries(
    limitedFields
      .filter((field) => given[field] === undefined && configured?.[field] === undefined)
      .map((field) => [field, defaults[field] ?? limited(field, request[field], policy)])
      .filter(([, value]) => value !== undefined),
  ) as Partial<JobRequest>
  const user = context.podSecurity !== undefined && policy.root === 'none' && bringsProgram(judged)
  return {
    ...request,
    ...filled,
    ...(user && request.run_as_user === undefined && { run_as_user: unprivilegedUser }),
  }
}

function limited(field: LimitedField, standard: string | number | undefined, { maximum }: Policy) {
  const most = maximum[field]
  if (most === undefined || (standard === undefined && noneIfAbsent.includes(field))) return undefined
  return standard === undefined || amountOf(standard) > amountOf(most) ? most : undefined
}
