/** The known names, and before them the one that a misspelt name is nearest to: `cpu (one of …)`. */
export function expectedName(name: string, known: readonly string[], all = oneOf(known)) {
  const near = nearest(name, known)
  return near === undefined ? all : `${near} (${all})`
}

function oneOf(known: readonly string[]): string {
  return `one of ${known.join(', ') || '(there is none)'}`
}

/**
 * The candidate with the fewest edits from a misspelt name, at most a third of it; else one that is
 * its beginning, or begins with it: `timeout_seconds` for `timeout`. Undefined if there is none.
 */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const near = nearestWithEdits(name, candidates)
  if (near !== undefined && near.edits <= Math.max(1, Math.ceil(near.candidate.length / 3))) {
    return near.candidate
  }
  if (name.length > maxLength) return undefined
  const related = candidates.filter(
    (one) =>
      Math.min(one.length, name.length) >= leastBeginning && (one.startsWith(name) || name.startsWith(one)),
  )
  return nearestWithEdits(name, related)?.candidate
}

/** The candidate with the fewest edits, and their number; undefined without candidates. */
export function nearestWithEdits(
  name: string,
  candidates: readonly string[],
): { candidate: string; edits: number } | undefined {
  return candidates
    .map((candidate) => ({ candidate, edits: editsBetween(name, candidate) }))
    .sort((a, b) => a.edits - b.edits)
    .at(0)
}

/** Longest name that is compared: a caller's name may be as long as its request. */
const maxLength = 100
/** Shorter beginnings are shared by chance. */
const leastBeginning = 3

/** Levenshtein distance, in which two neighbouring letters that changed places are one edit. */
function editsBetween(a: string, b: string): number {
  if (a.length > maxLength) return a.length
  let above: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (above[j - 2] ?? 0) + 1 : replaced
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    above = row
    row = next
  }
  return row[b.length] ?? 0
}
