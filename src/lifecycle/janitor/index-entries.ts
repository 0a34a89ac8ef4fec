import { listPosition, readOrDamaged } from '../records.ts'
import { type JanitorParts, mayRemove } from './parts.ts'

/** Entries that one sweep looks at: each takes a read, and wrong ones are rare and do no harm. */
const mostEntries = 1000

/**
 * Looks at the next entries of the list of jobs behind `after`, and removes those older than `before` whose record
 * is gone or says another state. Resolves with where to go on; undefined: from the beginning.
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
  // Newer jobs stand before older ones: those that may just be written are jumped over.
  const youngest = `index/${listPosition('', before)}`
  const from = after === undefined || after < youngest ? youngest : after
  for await (const { key } of store.list('index/', { after: from, ...(signal && { signal }) })) {
    if (looked === mostEntries || !mayRemove(parts)) return last
    looked += 1
    last = key
    const [, uuid, state] = /^index\/\d{13}-([0-9a-f-]{36})-([a-z]+)$/.exec(key) ?? []
    if (uuid === undefined || backend.get(uuid) !== undefined) continue
    const record = await readOrDamaged(records, uuid)
    if (record === 'damaged' || record?.job.state === state) continue
    if (!rules.dryRun) await store.remove([key])
    const why = record === undefined ? 'its record is gone' : `its record says ${record.job.state}`
    rules.tell({
      kind: 'index',
      job: uuid,
      why: `it stands in the list of jobs as ${state}, and ${why}`,
      objects: 1,
      bytes: 0,
    })
  }
  return undefined
}
