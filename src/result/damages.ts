import { LRUCache } from 'lru-cache'
import type { Entry } from '../artifact/entry.ts'
import { StoreError } from '../artifact/store.ts'
import type { ReadableFile } from './readable-file.ts'

/** A hint for lists, no record: a restart forgets it, the next read finds out again. */
const remembered = { max: 10_000, ttl: 3_600_000 }

/** The files that this process found damaged within the last hour, 10,000 at most, each with what is wrong with it. */
export interface Damages {
  note(attempt: string, file: Entry, problem: string): void
  /** Its bytes were read and right. */
  clear(attempt: string, file: Entry): void
  of(attempt: string, file: Entry): string | undefined
}

export function createDamages(): Damages {
  const known = new LRUCache<string, string>(remembered)
  const idOf = (attempt: string, { key, offset = 0 }: Entry) => `${attempt} ${offset} ${key}`
  return {
    note: (attempt, file, problem) => void known.set(idOf(attempt, file), problem),
    clear: (attempt, file) => void known.delete(idOf(attempt, file)),
    of: (attempt, file) => (known.size === 0 ? undefined : known.get(idOf(attempt, file))),
  }
}

/** What a failed read of a file's object says of the file; undefined where it says something of the store alone. */
export function damageOf(error: unknown): string | undefined {
  if (!(error instanceof StoreError)) return undefined
  if (error.kind === 'not-found') return gone
  if (error.kind === 'precondition-failed') return replaced
  return error.kind === 'invalid' || error.kind === 'corrupt' ? error.message : undefined
}

/** What the object that the store has now says of the file: size and ETag as they were, or what is wrong. */
export function damageOfObject(
  file: ReadableFile,
  object: { size: number; etag: string } | undefined,
): string | undefined {
  if (object === undefined) return gone
  if (file.etag !== undefined && object.etag !== file.etag) return replaced
  if (file.offset !== undefined && object.size >= file.offset + file.size) return undefined
  if (file.offset === undefined && object.size === file.size) return undefined
  return `its object has ${object.size} bytes instead of ${(file.offset ?? 0) + file.size}`
}

const gone = 'its object is gone from the store'
const replaced = 'its object in the store was replaced: its ETag is another one'
