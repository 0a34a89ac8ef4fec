import { LRUCache } from 'lru-cache'
import type { Entry } from '../result-format/entry.ts'
import { jobKeys } from '../result-format/job-keys.ts'
import { isWholeObject } from '../result-format/stored-form.ts'
import { retry } from '../store/retry.ts'
import type { ObjectHead } from '../store/store.ts'
import { damageOfObject } from './damages.ts'
import { type FileSource, reportDamage } from './file-source.ts'
import { isReadable, type ReadableFile } from './serve/readable-file.ts'

const atOnce = 16

/**
 * Reads the head of every file's object in the store and reports the damage that it shows. Yields
 * the same entries in the same order. Throws StoreError.
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
    // The await below throws the error; if the client has disconnected, this promise is never
    // awaited.
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

/**
 * One request for each pack instead of each file in it: a pack's files mostly follow one another.
 */
function headsOf({ store, uuid, attempt }: FileSource, signal?: AbortSignal): HeadOf {
  const packs = new LRUCache<string, Promise<ObjectHead | undefined>>({ max: 16 })
  const head = (key: string) =>
    retry(() => store.head(jobKeys.file(uuid, attempt, key), signal), { attempts: 3, signal })
  return (file) => {
    const { key } = file
    if (isWholeObject(file)) return head(key)
    const asked = packs.get(key) ?? head(key)
    packs.set(key, asked)
    return asked
  }
}
