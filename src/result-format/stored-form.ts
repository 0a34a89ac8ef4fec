import { defined } from '../util/objects.ts'
import type { Entry } from './entry.ts'

/*
 * Where and in which form the store has a file's bytes: as an object of their own, or in a pack.
 * Another form, compressed for example, is a member of Entry, of StoredForm and of the functions
 * here, and a branch of readObject() in src/results/serve/file-bytes.ts.
 */

/** Members of a stored file's entry that callers don't see. */
export interface StoredForm {
  key: string
  offset?: number
  etag: string
}

/** A stored file's digest and form. */
export type StoredFile = { sha256: string } & StoredForm

/** Undefined if the bytes are not in the store. */
export function storedFileOf({ sha256, key, offset, etag }: Entry): StoredFile | undefined {
  if (sha256 === undefined || key === undefined || etag === undefined) return undefined
  return { sha256, key, ...defined({ offset }), etag }
}

/** The entry as callers see it. */
export function withoutForm(entry: Entry): Omit<Entry, keyof StoredForm> {
  const { key: _key, offset: _offset, etag: _etag, ...shown } = entry
  return shown
}

/** True if the object is the file: its bytes, and no others. */
export function isWholeObject({ offset }: Pick<Entry, 'offset'>): boolean {
  return offset === undefined
}

/** The damage that an object's size shows; undefined if the object can hold the file. */
export function sizeProblem(file: Entry & { size: number }, objectSize: number): string | undefined {
  const end = (file.offset ?? 0) + file.size
  const fits = isWholeObject(file) ? objectSize === end : objectSize >= end
  return fits ? undefined : `its object has ${objectSize} bytes instead of ${end}`
}
