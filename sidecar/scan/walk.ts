import { type BytePath, joinPath } from './byte-path.ts'
import type { Directory } from './directory.ts'
import { type Found, look, type OpenedDirectory } from './found.ts'
import { keepsAll, type OutputFilter } from './output-filter.ts'

/**
 * Everything below `root` that the filter keeps, sorted by the bytes of the full paths. The
 * directories on the way down are open, and their names are in memory. A file's `parent` stays open
 * until the next item is requested.
 */
export function* walk(root: Directory, filter: OutputFilter = keepsAll): Generator<Found, void> {
  const frames: Frame[] = []
  try {
    frames.push(new Frame('', { directory: root, names: root.names() }, '', false))
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const below = frame.takeBelow()
      if (below !== undefined) {
        frames.push(below)
        continue
      }
      const name = frame.takeName()
      if (name === undefined) {
        frames.pop()
        if (frames.length > 0) frame.opened.directory.close()
        continue
      }
      const path = joinPath(frame.path, name)
      const found = look(frame.opened.directory, name, path, filter)
      if (found === undefined) continue
      const isKept = frame.isKept || filter.includes(path, found.type === 'directory')
      if (found.type === 'directory' && found.opened !== undefined) {
        if (path.length > longestPath) {
          found.opened.directory.close()
          yield { type: 'directory', path, stat: found.stat, error: tooLong }
          continue
        }
        frame.below.push(new Frame(path, found.opened, name, isKept))
      }
      // A folder that can't be listed may hide what is to be kept.
      if (isKept || (found.type === 'directory' && found.error !== undefined)) yield found
    }
  } finally {
    for (const frame of frames) frame.closeAll(root)
  }
}

/**
 * In bytes. A tree can be deeper than any path that a program can open, but each path is a line of
 * the manifest, and readers limit lines to 4 MiB.
 */
const longestPath = 65_536
const tooLong = `its path is longer than ${longestPath} bytes: its content is left out`

/**
 * A directory on the way down. Its own entry sorts as `name`, its content as `name/…`, and names
 * like `name.txt` come between. So directories wait in `below` until the next name sorts after
 * `name/`. Those that wait at the same time are prefixes of one another (`a`, `a-`, `a--`), and the
 * last one is due first.
 */
class Frame {
  readonly path: BytePath
  readonly opened: OpenedDirectory
  readonly below: Frame[] = []
  /** It, or a folder above it, matches what is to be kept. */
  readonly isKept: boolean
  readonly #name: BytePath
  #next = 0

  constructor(path: BytePath, opened: OpenedDirectory, name: BytePath, isKept: boolean) {
    this.path = path
    this.opened = opened
    this.#name = name
    this.isKept = isKept
  }

  takeName(): BytePath | undefined {
    const name = this.opened.names[this.#next]
    this.#next += 1
    return name
  }

  /** The directory that comes before the next name. */
  takeBelow(): Frame | undefined {
    const last = this.below.at(-1)
    const next = this.opened.names[this.#next]
    if (last === undefined || (next !== undefined && next < `${last.#name}/`)) return undefined
    return this.below.pop()
  }

  closeAll(root: Directory): void {
    if (this.opened.directory !== root) this.opened.directory.close()
    for (const frame of this.below) frame.closeAll(root)
  }
}
