import { matchesPattern, mostComparedCharacters } from './match-pattern.ts'

/** The words of a declaration by which a value is judged. */
export interface ParameterRules {
  type: 'string' | 'number' | 'integer' | 'boolean'
  enum?: readonly ParameterValue[]
  minimum?: number
  maximum?: number
  pattern?: string
}

export type ParameterValue = string | number | boolean

/** A value stands in the job's record and in an annotation of limited size. */
const mostCharacters = 4096

/** What is wrong with a value; undefined if it is right. */
export function valueProblem(rules: ParameterRules, value: ParameterValue): string | undefined {
  const { type, minimum = -Infinity, maximum = Infinity, pattern, enum: choices } = rules
  if (typeof value !== (type === 'integer' ? 'number' : type))
    return `is ${nameOf(value)}, not ${articles[type]}`
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return 'is no number'
    if (type === 'integer' && !Number.isSafeInteger(value)) return 'is not a whole number'
    if (value < minimum || value > maximum) return 'is out of range'
  }
  if (typeof value === 'string' && value.length > mostOf(rules)) return 'is too long'
  if (choices !== undefined && !choices.includes(value)) return 'is none of the choices'
  if (typeof value !== 'string' || pattern === undefined) return undefined
  return matchesPattern(pattern, value) ? undefined : 'does not match the pattern'
}

/** The value that a text means for this type; the text itself if it means none. */
export function valueOfText(type: ParameterRules['type'], text: string): ParameterValue {
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  if (type === 'integer' && /^-?\d{1,16}$/.test(text)) return Number(text)
  if (type === 'number' && /^-?\d{1,16}(?:\.\d{1,16})?(?:e[+-]?\d{1,3})?$/i.test(text)) return Number(text)
  return text
}

/** What would be right, for people. */
export function describeParameter({
  type,
  enum: choices,
  minimum,
  maximum,
  pattern,
}: ParameterRules): string {
  if (choices !== undefined) return `one of ${choices.map((choice) => JSON.stringify(choice)).join(', ')}`
  if (type === 'boolean') return 'true or false'
  if (type === 'string') {
    const least = `a text of at most ${mostOf({ pattern })} characters`
    return pattern === undefined ? least : `${least} that matches ${pattern} as a whole`
  }
  const kind = type === 'integer' ? 'a whole number' : 'a number'
  if (minimum !== undefined && maximum !== undefined) return `${kind} from ${minimum} to ${maximum}`
  if (minimum !== undefined) return `${kind}, at least ${minimum}`
  return maximum === undefined ? kind : `${kind}, at most ${maximum}`
}

function mostOf({ pattern }: { pattern?: string | undefined }): number {
  return pattern === undefined ? mostCharacters : mostComparedCharacters
}

const articles = { string: 'a text', number: 'a number', integer: 'a whole number', boolean: 'true or false' }

function nameOf(value: ParameterValue): string {
  return { string: 'a text', number: 'a number', boolean: String(value) }[
    typeof value as 'string' | 'number' | 'boolean'
  ]
}
