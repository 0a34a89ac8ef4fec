import { type Entry, pathBytes } from '../../result-format/entry.ts'

const slash = 0x2f

/**
 * Entries sorted by their paths' bytes, but with every directory after its contents. A manifest has
 * `a`, `a.txt`, `a/b` in this order, as `.` is less than `/`. GNU tar would restore the mode and
 * mtime of `a` at `a.txt`; `a/b` would then fail in a read-only `a` or change its mtime.
 */
export async function* directoriesLast(entries: AsyncIterable<Entry>): AsyncGenerator<Entry, void> {
  const open: { entry: Entry; path: Buffer }[] = []
  for await (const entry of entries) {
    const path = pathBytes(entry)
    for (let last = open.at(-1); last !== undefined && isBehind(path, last.path); last = open.at(-1)) {
      yield last.entry
      open.pop()
    }
    if (entry.type === 'directory') open.push({ entry, path })
    else yield entry
  }
  for (const { entry } of open.reverse()) yield entry
}

/**
 * True if neither `path` nor a later path lies in the directory. Between a directory and its
 * contents only paths `<directory><byte less than a slash>…` are sorted.
 */
function isBehind(path: Buffer, directory: Buffer): boolean {
  const next = path[directory.length]
  return (
    next === undefined ||
    next > slash ||
    path.compare(directory, 0, directory.length, 0, directory.length) !== 0
  )
}
