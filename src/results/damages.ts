import { LRUCache } from 'lru-cache'
import type { Entry } from '../result-format/entry.ts'
import { sizeProblem } from '../result-format/stored-form.ts'
import { StoreError } from '../store/store.ts'
import type { ReadableFile } from './serve/readable-file.ts'

/** Only a hint for lists, kept in memory: after a restart the next read finds the damage again. */
const remembered = { max: 10_000, ttl: 3_600_000 }

/**
 * At most 10,000 files that this process found damaged within the last hour, each with its problem.
 */
export interface Damages {
  note(attempt: string, file: Entry, problem: string): void
  /** Forgets the damage: the file's bytes were read and match its SHA-256. */
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

/**
 * The damage of a file that a failed read of its object shows; undefined if only the store failed.
 */
export function damageOf(error: unknown): string | undefined {
  if (!(error instanceof StoreError)) return undefined
  if (error.kind === 'not-found') return gone
  if (error.kind === 'precondition-failed') return replaced
  return error.kind === 'invalid' || error.kind === 'corrupt' ? error.message : undefined
}

/**
 * The damage of a file that its object's size and ETag show; undefined if they match the manifest.
 */
export function damageOfObject(
  file: ReadableFile,
  object: { size: number; etag: string } | undefined,
): string | undefined {
  if (object === undefined) return gone
  if (file.etag !== undefined && object.etag !== file.etag) return replaced
  return sizeProblem(file, object.size)
}

const gone = 'its object is gone from the store'
const replaced = 'its object in the store was replaced: its ETag is another one'
