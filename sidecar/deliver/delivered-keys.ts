import { createHash } from 'node:crypto'
import { type Entry, pathBytes } from '../../src/result-format/entry.ts'
import { fileKey } from '../../src/result-format/file-keys.ts'

/** The key of the manifest at the target, below its prefix. */
export function deliveredManifestKey(uuid: string): string {
  return `jobferry-${uuid}.ndjson`
}

/**
 * A file's key at the target: its path, or for a name that no bucket can hold, one below
 * `jobferry-<uuid>/`. The manifest there names it.
 */
export function deliveredKey(uuid: string, entry: Entry): string {
  const path = pathBytes(entry)
  // The store's own choice of the names that every store can hold.
  const isPlain = entry.path !== undefined && fileKey(path) === entry.path
  const isOurs = entry.path === deliveredManifestKey(uuid)
  if (isPlain && !isOurs) return entry.path ?? ''
  return `jobferry-${uuid}/${createHash('sha256').update(path).digest('hex')}`
}
