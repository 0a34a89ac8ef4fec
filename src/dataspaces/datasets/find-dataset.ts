import { isJobUuid } from '../../job/job-uuid.ts'
import { type DatasetEntry, patternOf } from './dataset-schema.ts'
import type { Dataset } from './datasets.ts'
import { fillIn } from './placeholders.ts'

/** Longest id that is matched: a pattern may take very long over a long text. */
const maxIdLength = 2048

/** The first entry with that id, else the first entry whose pattern matches all of it. */
export function findDataset(entries: readonly DatasetEntry[], id: string): Dataset | undefined {
  if (id.length > maxIdLength) return undefined
  const exact = entries.find((entry) => entry.id === id)
  if (exact) return datasetOf(exact, { id })
  for (const entry of entries) {
    if (entry.pattern === undefined) continue
    const found = patternOf(entry.pattern).exec(id)
    if (found) return datasetOf(entry, { ...found.groups, id })
  }
  return undefined
}

function datasetOf(
  entry: DatasetEntry,
  values: { id: string } & Record<string, string | undefined>,
): Dataset | undefined {
  const { job, env = {}, file, format = 'tar', given_as: givenAs = 'http', remove = 'nothing' } = entry
  const uuid = fillIn(entry.job_uuid ?? '', values)
  // A pattern may accept text that is no uuid, and no job has such an id.
  if (job === undefined && !isJobUuid(uuid)) return undefined
  const filled = Object.entries(env).map(([name, value]) => [name, fillIn(value, values)])
  return {
    id: values.id,
    source:
      job === undefined ? { kind: 'results', uuid } : { kind: 'job', job, env: Object.fromEntries(filled) },
    ...(file !== undefined && { file: fillIn(file, values) }),
    format,
    givenAs,
    remove,
  }
}
