import { type Context, createContext, Script } from 'node:vm'

/** A regular expression can take longer than the universe for a text: `(a+)+$`. */
const milliseconds = 50

/** Whether the text is a regular expression that patternOutcome() takes. */
export function isPattern(text: string): boolean {
  try {
    void new RegExp(wholeText(text), 'u')
    return true
  } catch {
    return false
  }
}

/**
 * Whether the whole text matches the pattern, as HTML's `pattern` has it; `undecided` if that is
 * not known within 50 ms, after which the search is ended.
 */
export function patternOutcome(pattern: string, text: string): 'matches' | 'differs' | 'undecided' {
  try {
    sandbox ??= createContext({})
    Object.assign(sandbox, { pattern: wholeText(pattern), text })
    const matches: unknown = search.runInContext(sandbox, { timeout: milliseconds })
    return matches === true ? 'matches' : 'differs'
  } catch {
    return 'undecided'
  }
}

/** The pattern as JSON Schema has it, which searches anywhere in a text. */
export function wholeText(pattern: string): string {
  return `^(?:${pattern})$`
}

/** V8 ends a search at the timeout of a script alone. */
let sandbox: Context | undefined
const search = new Script("new RegExp(pattern, 'u').test(text)")
