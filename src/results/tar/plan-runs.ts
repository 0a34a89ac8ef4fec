import type { Entry } from '../../result-format/entry.ts'
import { isReadable, type ReadableFile } from '../serve/readable-file.ts'

/** Neighbouring files in a pack that are read together. */
export interface Run {
  /** First byte in the pack, and number of bytes from it to the last file's end. */
  offset: number
  length: number
  /** At least two files of one pack, in the order of their offsets. */
  files: readonly PackedFile[]
}

/** A file that shares its object with other files. */
export type PackedFile = ReadableFile & { offset: number }

/** Maximum bytes of a run, and between two of its files (headers, or files that are not wanted). */
export const runLimits = { bytes: 512 * 1024, gap: 16 * 1024 }

/** The runs among entries that are read in this order. */
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
