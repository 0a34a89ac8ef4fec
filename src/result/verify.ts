import type { Entry } from '../artifact/entry.ts'
import { layout } from '../artifact/layout.ts'
import { retry } from '../artifact/retry.ts'
import { damageOfObject } from './damages.ts'
import { type FileSource, reportDamage } from './entry-bytes.ts'
import { isReadable } from './readable-file.ts'

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
  for await (const entry of entries) {
    const checked = check(source, entry, signal)
    // Whoever awaits it hears of its failure; nobody does once the caller has gone.
    checked.catch(() => {})
    queue.push(checked)
    const next = queue.length > atOnce ? queue.shift() : undefined
    if (next !== undefined) yield await next
  }
  for (const next of queue) yield await next
}

async function check(source: FileSource, entry: Entry, signal?: AbortSignal): Promise<Entry> {
  if (!isReadable(entry)) return entry
  const key = layout.file(source.uuid, source.attempt, entry.key)
  const object = await retry(() => source.store.head(key, signal), { attempts: 3, signal })
  const problem = damageOfObject(entry, object)
  if (problem !== undefined) reportDamage(source, entry, problem)
  return entry
}
