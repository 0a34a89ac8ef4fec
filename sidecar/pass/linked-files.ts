import type { BigIntStats } from 'node:fs'
import { isNeverReused } from '../../src/result-format/file-keys.ts'
import { type StoredFile, storedFileOf } from '../../src/result-format/stored-form.ts'
import type { EntryLine } from '../journal/line.ts'
import type { BytePath } from '../scan/byte-path.ts'
import { fileEntry, fingerprint, inodeOf } from '../scan/entry-of.ts'

/** Bounds the memory, to about 15 MB. A file whose first name is forgotten is sent once more. */
const mostFiles = 30_000

interface Stored {
  file: StoredFile
  fingerprint: string
  verify: boolean
}

/**
 * The files with several hard links that this program has stored, by inode: a further name's entry
 * gets the key of the same object.
 */
export class LinkedFiles {
  readonly #stored = new Map<string, Stored>()

  /**
   * Remembers a stored line. One whose key another version of its path could get later is not
   * shared: the other names would lose their bytes.
   */
  remember(stat: BigIntStats, line: EntryLine): void {
    const file = storedFileOf(line.entry)
    if (file === undefined || line.fingerprint === undefined || !isNeverReused(file.key)) return
    const inode = inodeOf(stat)
    this.#stored.delete(inode)
    this.#stored.set(inode, { file, fingerprint: line.fingerprint, verify: line.verify === true })
    for (const oldest of this.#stored.keys()) {
      if (this.#stored.size <= mostFiles) break
      this.#stored.delete(oldest)
    }
  }

  /** The line of a further name, while the file is as it was when it was stored. */
  lineOf(path: BytePath, stat: BigIntStats): EntryLine | undefined {
    const stored = this.#stored.get(inodeOf(stat))
    if (stored === undefined || stored.fingerprint !== fingerprint(stat)) return undefined
    const line = { entry: fileEntry(path, stat, stored.file), fingerprint: stored.fingerprint }
    return stored.verify ? { ...line, verify: true } : line
  }
}

/** The line of a further name of a file, whose first name has `line`; undefined if they can't share it. */
export function sharedLine(
  path: BytePath,
  stat: BigIntStats,
  line: EntryLine | undefined,
): EntryLine | undefined {
  const file = line && storedFileOf(line.entry)
  if (file === undefined || !isNeverReused(file.key) || line?.fingerprint !== fingerprint(stat))
    return undefined
  const shared = { entry: fileEntry(path, stat, file), fingerprint: line.fingerprint }
  return line.verify ? { ...shared, verify: true } : shared
}
