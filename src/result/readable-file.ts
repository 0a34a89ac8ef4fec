import { decodeUtf8, type Entry, pathBytes, targetBytes } from '../artifact/entry.ts'
import { Problem } from '../errors.ts'

/** A file whose bytes are in the store. */
export interface ReadableFile extends Entry {
  type: 'file'
  size: number
  sha256: string
  key: string
}

export function isReadable(entry: Entry): entry is ReadableFile {
  const { type, size, sha256, key, error } = entry
  return (
    type === 'file' && error === undefined && size !== undefined && sha256 !== undefined && key !== undefined
  )
}

/** The entry as a file that can be read. Throws a Problem `not-a-readable-file` that says what it is instead. */
export function readable(entry: Entry): ReadableFile {
  if (isReadable(entry)) return entry
  const problem = `${shownPath(entry)} is ${kindOf(entry)}`
  const errors = [{ field: 'file', problem, expected: expectedInstead[entry.type] }]
  throw new Problem('not-a-readable-file', problem, { errors })
}

/** A path for people; what is no UTF-8 is escaped. */
export function shownPath(entry: Entry): string {
  return shown(pathBytes(entry))
}

/** Bytes for people: as JSON has them, or percent-encoded where they are no UTF-8. */
export function shown(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes)
  if (text !== undefined) return JSON.stringify(text)
  const percent = (c: string) => `%${c.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`
  return JSON.stringify(
    Buffer.from(bytes)
      .toString('latin1')
      .replace(/[^\x20-\x7e]|%/g, percent),
  )
}

const expectedInstead: Record<Entry['type'], string> = {
  directory: 'a file; with format=tar the directory comes as a tar, with all it holds',
  symlink: 'a file, which its target may be; with format=tar the link comes as it is',
  skipped: 'a file',
  file: 'a file that is in the store',
}

function kindOf(entry: Entry): string {
  switch (entry.type) {
    case 'directory':
      return 'a directory'
    case 'symlink':
      return `a symbolic link to ${shown(targetBytes(entry))}, which is not followed`
    case 'skipped':
      return `no file: ${entry.error ?? 'skipped'}`
    case 'file':
      return `not in the store: ${entry.error ?? 'it was not uploaded'}`
  }
}
