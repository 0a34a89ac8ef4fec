/** What isPattern() demands. */
export const patternExpected =
  'a simple regular expression of JavaScript: at most three of "*", "+" and "{n,m}", at most three "?", none of them but "?" behind a group, no (?=…) and no \\1'

/**
 * Longest text that is compared, in UTF-16 code units: three repetitions divide it in some millions
 * of ways, which is a moment. More of them, or one within another, could take for ever.
 */
export const mostComparedCharacters = 256

const mostRepetitions = 3

/** Whether every text is compared with it in a moment. */
export function isPattern(text: string): boolean {
  try {
    void new RegExp(wholeText(text), 'u')
  } catch {
    return false
  }
  if (text.length > 1000 || /(?<!\\)(?:\\\\)*\\(?:[1-9]|k<)/.test(text)) return false
  const shape = text
    .replaceAll(/\\(?:[pPu]\{[^}]*\}|.)/gsu, 'a')
    .replaceAll(/\[[^\]]*\]/g, 'a')
    .replaceAll('(?:', '(')
  if (shape.includes('(?') || /\)(?:[*+]|\{)/.test(shape)) return false
  const optional = shape.match(/\?/g) ?? []
  const repeated = shape.match(/[*+]|\{\d+,\d*\}/g) ?? []
  return optional.length <= mostRepetitions && repeated.length <= mostRepetitions
}

/** Whether the whole text matches the pattern, as HTML's `pattern` has it. */
export function matchesPattern(pattern: string, text: string): boolean {
  return new RegExp(wholeText(pattern), 'u').test(text)
}

/** The pattern as JSON Schema has it, which searches anywhere in a text. */
export function wholeText(pattern: string): string {
  return `^(?:${pattern})$`
}
