/** Strings, brackets, colons, and literals of a JSON text; commas and white space are left out. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{}:]|[^\s"[\]{}:,]+/gs

/**
 * Name → text of each number, boolean and null in the object `env` of a JSON object, as written.
 * One pass without recursion; JSON.parse with a function visits every value of the request, and a
 * deep one exceeds its stack. `text` must be valid JSON.
 */
export function envLiterals(text: string): Map<string, string> {
  const literals = new Map<string, string>()
  let depth = 0
  let field = ''
  let name = ''
  let previous = ''
  for (const [token] of text.matchAll(tokens)) {
    const inEnv = depth === 2 && field === 'env'
    if (token === '{' || token === '[') depth += 1
    else if (token === '}' || token === ']') depth -= 1
    else if (token === ':' && depth === 1) field = nameOf(previous)
    else if (token === ':' && inEnv) name = previous
    else if (previous === ':' && inEnv && !token.startsWith('"')) literals.set(nameOf(name), token)
    previous = token
  }
  return literals
}

/** The string of a JSON text; most names have no escapes. */
function nameOf(key: string): string {
  return key.includes('\\') ? (JSON.parse(key) as string) : key.slice(1, -1)
}
