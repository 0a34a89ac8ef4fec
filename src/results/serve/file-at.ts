import type { OpenResult } from '../open-result.ts'
import { notAmong } from '../select-entries.ts'
import { followLinks } from './follow-links.ts'
import { type ReadableFile, readable } from './readable-file.ts'

/**
 * The file at a path, or where the symbolic links of the path lead. Rejects with Problem:
 * `not-found`, `not-a-readable-file`.
 */
export async function fileAt(
  { located, manifest }: OpenResult,
  path: Uint8Array,
  signal?: AbortSignal,
): Promise<ReadableFile> {
  const lookup = manifest.lookup(signal)
  const entry = await lookup(path)
  if (entry !== undefined && entry.type !== 'symlink') return readable(entry)
  const target = (await followLinks(lookup, path))?.entry
  if (target?.type === 'file') return readable(target)
  if (entry === undefined) throw notAmong(located, [path])
  return readable(entry)
}
