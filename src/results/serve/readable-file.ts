import { type Entry, pathBytes, targetBytes } from '../../result-format/entry.ts'
import { quotedBytes } from '../../result-format/shown-path.ts'
import { Problem } from '../../util/errors.ts'

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

/**
 * The entry as a readable file. Throws a Problem `not-a-readable-file` that names its actual type.
 */
export function readable(entry: Entry): ReadableFile {
  if (isReadable(entry)) return entry
  const problem = `${shownPath(entry)} is ${kindOf(entry)}`
  const errors = [{ field: 'file', problem, expected: expectedInstead[entry.type] }]
  throw new Problem('not-a-readable-file', problem, { errors })
}

/** The path for messages, as shown() formats it. */
export function shownPath(entry: Entry): string {
  return quotedBytes(pathBytes(entry))
}

const expectedInstead: Record<Entry['type'], string> = {
  directory: 'a file; with format=tar the directory is sent as a tar with its content',
  symlink: 'a file, or a link to a file of the results; with format=tar each link is sent as a link',
  skipped: 'a file',
  file: 'a file that is in the store',
}

function kindOf(entry: Entry): string {
  switch (entry.type) {
    case 'directory':
      return 'a directory'
    case 'symlink':
      return `a symbolic link to ${quotedBytes(targetBytes(entry))}, which is no file of the results`
    case 'skipped':
      return `not a file: ${entry.error ?? 'skipped'}`
    case 'file':
      return `not in the store: ${entry.error ?? 'it was not uploaded'}`
  }
}
