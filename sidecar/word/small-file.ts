import { constants, type Stats } from 'node:fs'
import { lstat, open } from 'node:fs/promises'

/** The file at a path where a worker may put anything. */
export type SmallFile =
  | { state: 'absent' }
  | { state: 'unchanged' }
  /** `mark` differs after each change of the file; `changedAt` is in milliseconds since the epoch. */
  | { state: 'read'; mark: string; changedAt: number; text: string }
  | { state: 'unusable'; mark: string; changedAt: number; problem: string }

const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
/** A file's time is that of the kernel's last tick: a second change within it has the same mark. */
const tickMilliseconds = 20

/**
 * Reads a file of at most `longest` bytes if its mark is not `known`. Follows no link, waits for no
 * pipe, and never rejects.
 */
export async function readSmallFile(
  path: string,
  longest: number,
  known: string | undefined,
): Promise<SmallFile> {
  let found: Stats | undefined
  try {
    found = await lstat(path)
    if (markOf(found) === known) return { state: 'unchanged' }
    if (!found.isFile()) return unusable(found, 'is ignored: it is no regular file')
    if (found.size > longest) return unusable(found, tooLarge(longest))
    return await readOpened(path, longest)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return { state: 'absent' }
    if (found === undefined) return { state: 'absent' }
    return unusable(found, `is ignored: it can't be read (${code})`)
  }
}

async function readOpened(path: string, longest: number): Promise<SmallFile> {
  await using file = await open(path, flags)
  const opened = await file.stat()
  if (!opened.isFile()) return unusable(opened, 'is ignored: it is no regular file')
  // The file may grow meanwhile.
  const buffer = Buffer.alloc(longest + 1)
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  if (length > longest) return unusable(opened, tooLarge(longest))
  const age = Date.now() - opened.ctimeMs
  // Negative after the clock was set back: the file would look changed for that long.
  const isFresh = age >= 0 && age < tickMilliseconds
  const mark = isFresh ? `${markOf(opened)} ${performance.now()}` : markOf(opened)
  return { state: 'read', mark, changedAt: opened.ctimeMs, text: buffer.toString('utf8', 0, length) }
}

/** The mark of a file of any kind; undefined if there is none. */
export async function markAt(path: string): Promise<string | undefined> {
  return await lstat(path).then(markOf, () => undefined)
}

function markOf({ ino, ctimeMs, size }: Stats): string {
  return `${ino} ${ctimeMs} ${size}`
}

function unusable(found: Stats, problem: string): SmallFile {
  return { state: 'unusable', mark: markOf(found), changedAt: found.ctimeMs, problem }
}

function tooLarge(longest: number): string {
  return `is ignored: it has more than ${longest} bytes`
}
