import { randomUUID } from 'node:crypto'
import { readIfAny } from '../../store/read-whole.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { isObject } from '../../util/objects.ts'
import { jsonLine } from '../../util/text/json-line.ts'
import type { JobNames } from './job-filter.ts'

/**
 * Segments: objects `filters/<uuid>.ndjson`, each with the names of up to `mostLines` finished jobs
 * by their positions in the list, so that one request replaces thousands of records. The index alone
 * says which jobs there are.
 */
export const segmentPrefix = 'filters/'

const mostLines = 5000

export interface NamedJob {
  position: string
  names: JobNames
}

/** Calls `each` with every line of all segments; unreadable lines and lost segments are left out. */
export async function readSegments(store: ArtifactStore, each: (job: NamedJob) => void): Promise<void> {
  for await (const { key } of store.list(segmentPrefix)) {
    for (const job of await readSegment(store, key)) each(job)
  }
}

export async function readSegment(store: ArtifactStore, key: string): Promise<NamedJob[]> {
  const bytes = await readIfAny(store, key)
  const lines = bytes?.toString('utf8').split('\n') ?? []
  return lines.flatMap((line) => parseLine(line) ?? [])
}

/** Writes new segments. */
export async function writeSegments(store: ArtifactStore, jobs: readonly NamedJob[]): Promise<void> {
  for (let at = 0; at < jobs.length; at += mostLines) {
    const lines = jobs
      .slice(at, at + mostLines)
      .map(({ position, names }) => `${jsonLine({ position, ...names })}\n`)
    await store.put(`${segmentPrefix}${randomUUID()}.ndjson`, Buffer.from(lines.join('')))
  }
}

function parseLine(line: string): NamedJob | undefined {
  try {
    const found: unknown = JSON.parse(line)
    if (!isObject(found)) return undefined
    const { position, job, name, labels, made_by: madeBy } = found
    if (typeof position !== 'string' || (typeof job !== 'string' && job !== null)) return undefined
    const names: JobNames = {
      job,
      ...(typeof name === 'string' && { name }),
      ...(isTexts(labels) && { labels }),
      ...(typeof madeBy === 'string' && { made_by: madeBy }),
    }
    return { position, names }
  } catch {
    // The last, empty line, or a line of another form: the record is read instead.
    return undefined
  }
}

function isTexts(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string')
}
