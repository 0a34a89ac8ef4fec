import type { Entry } from '../artifact/entry.ts'
import { isReadable, type ReadableFile } from './readable-file.ts'

/** Files that lie one behind the other in a pack, read together. */
export interface Run {
  /** First byte in the pack, and bytes from there to the last file's end. */
  offset: number
  length: number
  /** Two at least, all of one pack, in its order. */
  files: readonly PackedFile[]
}

/** A file that shares its object with others. */
export type PackedFile = ReadableFile & { offset: number }

/** What a run may take, and what may lie unread between two of its files: headers, or files that nobody wants. */
export const runLimits = { bytes: 512 * 1024, gap: 16 * 1024 }

/** The runs among entries that are to be read in this order. */
export function planRuns(entries: readonly Entry[], limits = runLimits): Run[] {
  const runs: Run[] = []
  let files: PackedFile[] = []
  const end = () => {
    const [first, last] = [files[0], files.at(-1)]
    if (files.length > 1 && first && last) {
      runs.push({ offset: first.offset, length: last.offset + last.size - first.offset, files })
    }
    files = []
  }
  for (const entry of entries) {
    if (!isPacked(entry)) continue
    if (!follows(entry, files, limits)) end()
    files.push(entry)
  }
  end()
  return runs
}

function follows(next: PackedFile, files: readonly PackedFile[], { bytes, gap }: typeof runLimits): boolean {
  const [first, last] = [files[0], files.at(-1)]
  if (first === undefined || last === undefined) return true
  const between = next.offset - (last.offset + last.size)
  return (
    next.key === last.key &&
    next.etag === last.etag &&
    between >= 0 &&
    between <= gap &&
    next.offset + next.size - first.offset <= bytes
  )
}

function isPacked(entry: Entry): entry is PackedFile {
  return entry.offset !== undefined && isReadable(entry)
}
