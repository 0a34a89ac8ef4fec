import { createHash } from 'node:crypto'
import { isObject } from '../../util/objects.ts'
import type { JobRequest } from './request.ts'
import { requestDefaults } from './request-merge.ts'

type Inputs = readonly { name: string; sha256: string }[]

/**
 * Hex SHA-256 over a request and its inputs: of their JSON with every object's keys sorted by
 * UTF-16 code units, absent fields left out and the inputs sorted by name. Two requests that mean
 * the same job have the same. The default layout is left out: version 0.1 hashed requests without
 * one, and an Idempotency-Key outlives an upgrade. `rerunOf`: the job that is run again.
 */
export function requestHash(
  { result_layout: layout, ...rest }: JobRequest,
  inputs: Inputs,
  rerunOf?: string,
): string {
  const isDefault = layout === requestDefaults.result_layout
  return hashOf(isDefault ? rest : { ...rest, result_layout: layout }, inputs, rerunOf)
}

/** The hash that version 0.1 stored of the request if it named its layout, `auto` as well. */
export function earlierRequestHash(request: JobRequest, inputs: Inputs, rerunOf?: string): string {
  return hashOf(request, inputs, rerunOf)
}

function hashOf(request: Partial<JobRequest>, inputs: Inputs, rerunOf?: string): string {
  const sorted = inputs
    .map(({ name, sha256 }) => ({ name, sha256 }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return createHash('sha256')
    .update(canonicalJson({ inputs: sorted, request, rerun_of: rerunOf }))
    .digest('hex')
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (!isObject(item)) return item
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
