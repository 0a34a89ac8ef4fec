/** Strings, brackets, colons, and literals of a JSON text; commas and white space are left out. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{}:]|[^\s"[\]{}:,]+/gs

/** Name → text of each number, boolean and null, as written. */
export interface EnvLiterals {
  /** Of the request's own `env`. */
  own: Map<string, string>
  /** Of the `env` of each object in the list `steps`. */
  steps: Map<string, string>[]
}

/**
 * The literals in each `env` of a request's JSON text, which must be valid. One pass without
 * recursion; JSON.parse with a function visits every value of the request, and a deep one exceeds
 * its stack.
 */
export function envLiterals(text: string): EnvLiterals {
  const found: EnvLiterals = { own: new Map(), steps: [] }
  let depth = 0
  let field = ''
  let stepField = ''
  let name = ''
  let previous = ''
  const currentEnv = () => {
    if (depth === 2 && field === 'env') return found.own
    return depth === 4 && field === 'steps' && stepField === 'env' ? found.steps.at(-1) : undefined
  }
  for (const [token] of text.matchAll(tokens)) {
    const env = currentEnv()
    if (token === '{' || token === '[') {
      depth += 1
      if (depth === 3) stepField = ''
      if (depth === 3 && field === 'steps' && token === '{') found.steps.push(new Map())
    } else if (token === '}' || token === ']') depth -= 1
    else if (token === ':' && depth === 1) {
      field = nameOf(previous)
      // Of fields that come twice JSON.parse takes the last one.
      if (field === 'steps') found.steps = []
    } else if (token === ':' && depth === 3) stepField = nameOf(previous)
    else if (token === ':' && env) name = previous
    else if (previous === ':' && !token.startsWith('"')) env?.set(nameOf(name), token)
    previous = token
  }
  return found
}

/** The string of a JSON text; most names have no escapes. */
function nameOf(key: string): string {
  return key.includes('\\') ? (JSON.parse(key) as string) : key.slice(1, -1)
}
