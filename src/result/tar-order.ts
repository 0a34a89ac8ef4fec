import { type Entry, pathBytes } from '../artifact/entry.ts'

const slash = 0x2f

/**
 * Entries sorted by their paths' bytes, with every directory behind what it holds. A manifest has `a`, `a.txt`,
 * `a/b` in this order, as `.` comes before `/`; GNU tar would restore a's mode and mtime when it sees `a.txt`, and
 * then fail in a read-only `a` or change its mtime.
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

/** Whether nothing from `path` on can lie in the directory: only `<directory><bytes up to a slash>` comes before. */
function isBehind(path: Buffer, directory: Buffer): boolean {
  const next = path[directory.length]
  return (
    next === undefined ||
    next > slash ||
    path.compare(directory, 0, directory.length, 0, directory.length) !== 0
  )
}
