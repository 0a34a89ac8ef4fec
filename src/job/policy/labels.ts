import type { FieldError } from '../../util/errors.ts'
import type { JudgedRequest, PodSelectors, PolicyContext } from './judged-request.ts'
import type { Policy } from './policy.ts'
import { allows, expectedOf, refused } from './refusal.ts'
import { matchesWildcard } from './wildcard.ts'

type Labels = Readonly<Record<string, string>>

/**
 * Labels that the policy refuses. Without `all`, no labels may make the job's pod a member of a
 * Service, which would send it the requests and secrets of others.
 */
export function* labelErrors(
  { given, configured }: JudgedRequest,
  { labels: choice }: Policy,
  { selectors }: PolicyContext,
): Generator<FieldError> {
  if (choice === 'all' || given.labels === undefined) return
  const own = configured?.labels ?? {}
  const added = Object.entries(given.labels).filter(([key, value]) => own[key] !== value)
  if (choice !== 'unselected') {
    for (const [key] of added) {
      const isAllowed = allows(choice, (pattern) => matchesWildcard(key, pattern))
      if (!isAllowed) yield refused(`labels.${key}`, expectedOf(choice))
    }
  }
  yield* membershipErrors(given.labels, own, selectors)
  if (!selectors.complete) yield* guessedErrors(added, selectors)
}

/** A Service that selects the configured job's own labels is the operator's choice. */
function* membershipErrors(labels: Labels, own: Labels, { list }: PodSelectors): Generator<FieldError> {
  for (const { name, labels: selector } of list) {
    if (!isSelected(labels, selector) || isSelected(own, selector)) continue
    const [key = ''] = Object.keys(selector)
    const shown = Object.entries(selector).map(([one, value]) => `${one}=${value}`)
    yield {
      field: `labels.${key}`,
      problem: `would make the job's pod part of ${name}, which the operator's policy does not allow`,
      expected: `labels without ${shown.join(',')}`,
    }
  }
}

/**
 * Recommended labels are those by which charts select, and other selectors often have the Service's
 * name as a value.
 */
function* guessedErrors(
  added: readonly [string, string][],
  { knownNames }: PodSelectors,
): Generator<FieldError> {
  const problem =
    "could make the job's pod part of a Service, which the operator's policy does not allow: Services can not be listed, so names decide"
  for (const [key, value] of added) {
    if (!key.startsWith('app.kubernetes.io/') && !knownNames.includes(value)) continue
    const names = knownNames.join(', ')
    yield { field: `labels.${key}`, problem, expected: `no app.kubernetes.io/… and no value of ${names}` }
  }
}

function isSelected(labels: Labels, selector: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value)
}
