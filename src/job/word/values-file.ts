import { isObject } from '../../util/objects.ts'

/** What a worker leaves in `values.json`. */
export type Values = Record<string, unknown>

/** Deeper ones could not be written as JSON again without a deep stack, nor indented in a record. */
const deepest = 16

/** The content of `values.json`, or why it is ignored. */
export function parseValues(text: string): { values: Values } | { problem: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { problem: 'is ignored: it is not JSON' }
  }
  if (!isObject(value)) return { problem: 'is ignored: it is no JSON object, like {"accuracy": 0.93}' }
  if (isDeeper(value, deepest)) return { problem: `is ignored: it is nested more than ${deepest} deep` }
  return { values: value }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  return Object.values(value).some((inner) => isDeeper(inner, levels - 1))
}
