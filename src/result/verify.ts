import { LRUCache } from 'lru-cache'
import type { Entry } from '../artifact/entry.ts'
import { layout } from '../artifact/layout.ts'
import { retry } from '../artifact/retry.ts'
import type { ObjectHead } from '../artifact/store.ts'
import { damageOfObject } from './damages.ts'
import { type FileSource, reportDamage } from './entry-bytes.ts'
import { isReadable, type ReadableFile } from './readable-file.ts'

const atOnce = 16

/**
 * Asks the store for every file's object, without reading it; what is not as it was is reported and noted. The entries
 * come as they were and in their order. Ends with StoreError.
 */
export async function* verified(
  source: FileSource,
  entries: AsyncIterable<Entry>,
  signal?: AbortSignal,
): AsyncGenerator<Entry, void> {
  const queue: Promise<Entry>[] = []
  const headOf = headsOf(source, signal)
  for await (const entry of entries) {
    const checked = check(source, entry, headOf)
    // Whoever awaits it hears of its failure; nobody does once the caller has gone.
    checked.catch(() => {})
    queue.push(checked)
    const next = queue.length > atOnce ? queue.shift() : undefined
    if (next !== undefined) yield await next
  }
  for (const next of queue) yield await next
}

async function check(source: FileSource, entry: Entry, headOf: HeadOf): Promise<Entry> {
  if (!isReadable(entry)) return entry
  const object = await headOf(entry)
  const problem = damageOfObject(entry, object)
  if (problem !== undefined) reportDamage(source, entry, problem)
  return entry
}

type HeadOf = (file: ReadableFile) => Promise<ObjectHead | undefined>

/** Of a pack once, not for each of the files in it, which mostly come one after the other. */
function headsOf({ store, uuid, attempt }: FileSource, signal?: AbortSignal): HeadOf {
  const packs = new LRUCache<string, Promise<ObjectHead | undefined>>({ max: 16 })
  const head = (key: string) =>
    retry(() => store.head(layout.file(uuid, attempt, key), signal), { attempts: 3, signal })
  return ({ key, offset }) => {
    if (offset === undefined) return head(key)
    const asked = packs.get(key) ?? head(key)
    packs.set(key, asked)
    return asked
  }
}
