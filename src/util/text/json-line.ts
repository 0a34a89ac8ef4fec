/** A value as JSON on one line, for NDJSON and event streams. */
export function jsonLine(value: unknown): string {
  return escapeLineEnds(JSON.stringify(value))
}

/**
 * JSON with U+0085, U+2028 and U+2029 escaped: JSON allows them in strings, but some readers, as
 * Python's splitlines(), end a line at each of them.
 */
export function escapeLineEnds(json: string): string {
  return json.replaceAll(/[\u0085\u2028\u2029]/g, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
