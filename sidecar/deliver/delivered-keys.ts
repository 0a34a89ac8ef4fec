import { createHash } from 'node:crypto'
import { type Entry, pathBytes } from '../../src/result-format/entry.ts'
import { fileKey } from '../../src/result-format/file-keys.ts'

/** The key of the manifest at the target, below its prefix. */
export function deliveredManifestKey(uuid: string): string {
  return `jobferry-${uuid}.ndjson`
}

/** Of S3, in bytes; the prefix counts. */
const maxKeyBytes = 1024

/**
 * A file's key below the target's prefix: its path, or for a name that not every bucket can hold, or
 * that is too long after the prefix, one below `jobferry-<uuid>/`. The manifest there names it.
 */
export function deliveredKey(uuid: string, prefix: string, entry: Entry): string {
  const path = pathBytes(entry)
  // The store's own choice of the names that every store can hold.
  const isPlain = entry.path !== undefined && fileKey(path) === entry.path
  const folder = `jobferry-${uuid}/`
  const isOurs = entry.path === deliveredManifestKey(uuid) || entry.path?.startsWith(folder)
  const fits = Buffer.byteLength(prefix) + path.length <= maxKeyBytes
  if (isPlain && fits && !isOurs) return entry.path ?? ''
  return `${folder}${createHash('sha256').update(path).digest('hex')}`
}
