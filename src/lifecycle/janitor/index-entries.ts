import { defined } from '../../util/objects.ts'
import { listPosition } from '../records/list-position.ts'
import { readOrDamaged } from '../records/records.ts'
import { type JanitorParts, mayRemove } from './parts.ts'

/**
 * Entries that a sweep reads at most: each takes a request, and wrong entries are rare and
 * harmless.
 */
const mostEntries = 1000

/**
 * Reads the next index entries after `after`, and removes those of jobs older than `before` whose
 * record is gone or has another state. Resolves with the key to go on after; undefined: from the
 * beginning.
 */
export async function removeStaleEntries(
  parts: JanitorParts,
  before: number,
  after: string | undefined,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { store, records, backend, rules } = parts
  let looked = 0
  let last = after
  // Newer jobs come first; those whose record may be being written are skipped.
  const youngest = `index/${listPosition('', before)}`
  const from = after === undefined || after < youngest ? youngest : after
  for await (const { key } of store.list('index/', { after: from, ...defined({ signal }) })) {
    if (looked === mostEntries || !mayRemove(parts)) return last
    looked += 1
    last = key
    const [, uuid, state] = /^index\/\d{13}-([0-9a-f-]{36})-([a-z]+)$/.exec(key) ?? []
    if (uuid === undefined || backend.get(uuid) !== undefined) continue
    const record = await readOrDamaged(records, uuid)
    if (record === 'damaged' || record?.job.state === state) continue
    if (!rules.dryRun) await store.remove([key])
    const why = record === undefined ? 'its record is gone' : `its record has the state ${record.job.state}`
    rules.report({
      kind: 'index',
      job: uuid,
      why: `it is listed as ${state}, and ${why}`,
      objects: 1,
      bytes: 0,
    })
  }
  return undefined
}
