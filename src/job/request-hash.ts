import { createHash } from 'node:crypto'
import type { JobRequest } from './request.ts'

/**
 * Hex SHA-256 over a request and its inputs: of their JSON with every object's keys sorted by UTF-16 code units,
 * absent fields left out and the inputs sorted by name. Two requests that mean the same job have the same.
 */
export function requestHash(
  request: JobRequest,
  inputs: readonly { name: string; sha256: string }[],
): string {
  const sorted = inputs
    .map(({ name, sha256 }) => ({ name, sha256 }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return createHash('sha256')
    .update(canonicalJson({ inputs: sorted, request }))
    .digest('hex')
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
