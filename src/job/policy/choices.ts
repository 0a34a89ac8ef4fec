import type { FieldError } from '../../util/errors.ts'
import { affinityErrors } from './affinity.ts'
import { envFromErrors } from './env-from.ts'
import { matchesImage } from './image-pattern.ts'
import type { JudgedRequest, PolicyContext } from './judged-request.ts'
import { labelErrors } from './labels.ts'
import { isOfJob } from './name-of-job.ts'
import type { Choice, Policy } from './policy.ts'
import { allows, expectedOf, refused } from './refusal.ts'
import { matchesTaint, type Toleration } from './taint-pattern.ts'
import { valuesOf } from './values-of.ts'
import { matchesWildcard } from './wildcard.ts'

/** The caller's choices that a policy refuses: what a configured job has itself passes. */
export function* choiceErrors(
  request: JudgedRequest,
  policy: Policy,
  context: PolicyContext,
): Generator<FieldError> {
  yield* nameErrors(request, policy)
  yield* itemErrors(request, policy)
  yield* mapErrors(request, policy)
  yield* affinityErrors(request, policy)
  yield* envFromErrors(request, policy, context)
  yield* labelErrors(request, policy, context)
  const { run_as_user: user } = request.given
  if (user === 0 && user !== request.configured?.run_as_user && !mayBeRoot(policy, context.podSecurity)) {
    yield refused('run_as_user', 'a user other than 0 (root)')
  }
}

/** Whether a worker may run as root. */
export function mayBeRoot({ root }: Policy, podSecurity: PolicyContext['podSecurity']): boolean {
  return root === 'all' || (root === 'pod-security' && podSecurity !== 'restricted')
}

function* nameErrors({ given, configured }: JudgedRequest, policy: Policy): Generator<FieldError> {
  const rules = [
    ['image', policy.images, matchesImage],
    ['image_pull_secret', policy.image_pull_secrets, matchesWildcard],
    ['service_account', policy.service_accounts, matchesWildcard],
    ['priority_class', policy.priority_classes, matchesWildcard],
    ['runtime_class', policy.runtime_classes, matchesWildcard],
  ] as const
  for (const [field, choice, matches] of rules) {
    const own = new Set(configured && valuesOf(configured, field).map(({ value }) => value))
    for (const { at, value: name } of valuesOf(given, field)) {
      if (own.has(name) || allows(choice, (pattern) => matches(name, pattern))) continue
      yield refused(at, expectedOf(choice))
    }
  }
}

function* itemErrors({ given, configured }: JudgedRequest, policy: Policy): Generator<FieldError> {
  const own = new Set([...(configured?.tolerations ?? [])].map((item) => JSON.stringify(item)))
  for (const [index, toleration] of (given.tolerations ?? []).entries()) {
    if (own.has(JSON.stringify(toleration)) || toleratesTaint(policy.tolerations, toleration)) continue
    yield refused(`tolerations[${index}]`, expectedOf(policy.tolerations))
  }
  const ownClaims = new Map((configured?.volumes ?? []).map(({ claim, read_only }) => [claim, read_only]))
  for (const [index, { claim, read_only: readOnly }] of (given.volumes ?? []).entries()) {
    const ownReadOnly = ownClaims.get(claim)
    if (ownReadOnly !== undefined && (readOnly || !ownReadOnly)) continue
    if (!allowsClaim(policy.claims, claim))
      yield refused(`volumes[${index}].claim`, claimsExpected(policy.claims))
  }
  for (const [key, value] of Object.entries(given.node_selector ?? {})) {
    if (configured?.node_selector?.[key] === value) continue
    const isOne = (pattern: string) =>
      matchesWildcard(pattern.includes('=') ? `${key}=${value}` : key, pattern)
    if (!allows(policy.node_selectors, isOne))
      yield refused(`node_selector.${key}`, expectedOf(policy.node_selectors))
  }
}

/** Fields whose members' names are judged; a configured job's own value of a member passes. */
function* mapErrors({ given, configured }: JudgedRequest, policy: Policy): Generator<FieldError> {
  const rules = [
    ['annotations', policy.annotations],
    ['extended_resources', policy.extended_resources],
  ] as const
  for (const [field, choice] of rules) {
    const own = configured === undefined ? [] : valuesOf(configured, field).map(({ value }) => value)
    for (const { at, value } of valuesOf(given, field)) {
      for (const [name, one] of Object.entries(value)) {
        if (own.some((other) => Object.hasOwn(other, name) && other[name] === one)) continue
        if (!allows(choice, (pattern) => matchesWildcard(name, pattern)))
          yield refused(`${at}.${name}`, expectedOf(choice))
      }
    }
  }
}

function toleratesTaint(choice: Choice, toleration: Toleration): boolean {
  return allows(choice, (pattern) => matchesTaint(toleration, pattern))
}

function allowsClaim(choice: Policy['claims'], claim: string): boolean {
  if (choice === 'all') return true
  if (isOfJob(claim)) return false
  return choice === 'all-but-jobs' || choice.some((pattern) => matchesWildcard(claim, pattern))
}

function claimsExpected(choice: Policy['claims']): string {
  if (choice === 'all' || choice === 'all-but-jobs') return 'a claim other than those of jobs'
  return expectedOf(choice)
}
