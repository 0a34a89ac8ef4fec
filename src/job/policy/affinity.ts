import type { FieldError } from '../../util/errors.ts'
import { nodeTermsOf, podTermsOf } from '../pod/affinity.ts'
import type { JudgedRequest } from './judged-request.ts'
import type { Policy } from './policy.ts'
import { allows, expectedOf, refused } from './refusal.ts'
import { matchesWildcard } from './wildcard.ts'

const required = 'requiredDuringSchedulingIgnoredDuringExecution'

/**
 * What a policy refuses of an affinity. It selects nodes as `node_selector` does; other namespaces
 * would let it learn of their pods, and keep them off its node, as a required anti-affinity would the
 * API and other callers' jobs.
 */
export function* affinityErrors(
  { given: { affinity }, configured }: JudgedRequest,
  policy: Policy,
): Generator<FieldError> {
  if (affinity === undefined || JSON.stringify(affinity) === JSON.stringify(configured?.affinity)) return
  if (policy.affinity === 'none') {
    yield refused('affinity', 'a request without it: none is allowed')
    return
  }
  yield* nodeErrors(affinity, policy)
  if (policy.affinity === 'all') return
  // It holds both ways: as long as the pod is there, its node takes none of those that it names.
  if (affinity.podAntiAffinity?.[required]?.length)
    yield refused(`affinity.podAntiAffinity.${required}`, 'preferredDuringSchedulingIgnoredDuringExecution')
  for (const { at, term } of podTermsOf(affinity)) {
    for (const field of ['namespaces', 'namespaceSelector'] as const) {
      if (term[field] !== undefined) yield refused(`${at}.${field}`, 'pods of the own namespace alone')
    }
  }
}

/** An operator other than In needs a pattern for all values of its key. */
function* nodeErrors(
  affinity: Parameters<typeof nodeTermsOf>[0],
  { node_selectors: choice }: Policy,
): Generator<FieldError> {
  for (const { at, term } of nodeTermsOf(affinity)) {
    for (const part of ['matchExpressions', 'matchFields'] as const) {
      for (const [index, { key, operator, values = [] }] of (term[part] ?? []).entries()) {
        const isOne = (value: string) => (pattern: string) =>
          matchesWildcard(pattern.includes('=') ? `${key}=${value}` : key, pattern)
        const isAllowed =
          operator === 'In'
            ? values.every((value) => allows(choice, isOne(value)))
            : allows(choice, (pattern) => !pattern.includes('=') && matchesWildcard(key, pattern))
        if (!isAllowed) yield refused(`${at}.${part}[${index}]`, expectedOf(choice))
      }
    }
  }
}
