import { createHash } from 'node:crypto'
import { isObject } from '../../util/objects.ts'
import type { JobRequest } from './request.ts'
import { requestDefaults } from './request-merge.ts'

type Inputs = readonly { name: string; sha256: string }[]

/** What the words of a request mean beside themselves. */
export interface Meaning {
  /** The job that is run again. */
  rerunOf?: string | undefined
  /** Where that goes on: the first step that runs, null without steps; undefined: it begins anew. */
  restartedFrom?: string | null | undefined
  /** The caller: `upload:` names its own uploads alone. */
  caller?: string | null
}

/**
 * Hex SHA-256 over a request and its inputs: of their JSON with every object's keys sorted by
 * UTF-16 code units, absent fields left out and the inputs sorted by name. Two requests that mean
 * the same job have the same. The default layout is left out: version 0.1 hashed requests without
 * one, and an Idempotency-Key outlives an upgrade.
 */
export function requestHash(
  { result_layout: layout, ...rest }: JobRequest,
  inputs: Inputs,
  meaning: Meaning = {},
): string {
  const isDefault = layout === requestDefaults.result_layout
  return hashOf(isDefault ? rest : { ...rest, result_layout: layout }, inputs, meaning)
}

/** The hash that version 0.1 stored of the request if it named its layout, `auto` as well. */
export function earlierRequestHash(request: JobRequest, inputs: Inputs, meaning: Meaning = {}): string {
  return hashOf(request, inputs, meaning)
}

function hashOf(
  request: Partial<JobRequest>,
  inputs: Inputs,
  { rerunOf, restartedFrom, caller = null }: Meaning,
): string {
  const sorted = inputs
    .map(({ name, sha256 }) => ({ name, sha256 }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return createHash('sha256')
    .update(
      canonicalJson({
        ...{ inputs: sorted, request, rerun_of: rerunOf, restarted_from: restartedFrom },
        uploads_of: uploadsOf(request, caller),
      }),
    )
    .digest('hex')
}

function uploadsOf({ inputs = [] }: Partial<JobRequest>, caller: string | null): string | null | undefined {
  return inputs.some(({ from }) => from?.startsWith('upload:')) ? caller : undefined
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (!isObject(item)) return item
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
