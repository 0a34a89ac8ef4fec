import { type BytePath, joinPath } from './byte-path.ts'
import type { Directory } from './directory.ts'
import { type Found, look, type OpenedDirectory } from './found.ts'

/**
 * All below `root` in the order of the full paths' bytes. Memory holds the names of the directories on the way
 * down, which are open meanwhile. A file's `parent` stays open until the next one is asked for.
 */
export function* walk(root: Directory): Generator<Found, void> {
  const frames: Frame[] = []
  try {
    frames.push(new Frame('', { directory: root, names: root.names() }))
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
      const found = look(frame.opened.directory, name, path)
      if (found === undefined) continue
      if (found.type === 'directory' && found.opened !== undefined) {
        if (path.length > longestPath) {
          found.opened.directory.close()
          yield { type: 'directory', path, stat: found.stat, error: tooLong }
          continue
        }
        frame.below.push(new Frame(path, found.opened, name))
      }
      yield found
    }
  } finally {
    for (const frame of frames) frame.closeAll(root)
  }
}

/**
 * Bytes. Trees can be deeper than any path that a program could name, but each path is a line of the manifest, and
 * readers bound those to 4 MiB.
 */
const longestPath = 65_536
const tooLong = `its path is longer than ${longestPath} bytes: what is in it is left out`

/**
 * A directory on the way down. A directory's own entry stands at `name`, what is in it at `name/`: names like
 * `name.txt` come between. So directories wait in `below` until the next name is behind `name/`; those that wait
 * at the same time begin with one another (`a`, `a-`, `a--`), the last one is due first.
 */
class Frame {
  readonly path: BytePath
  readonly opened: OpenedDirectory
  readonly below: Frame[] = []
  readonly #name: BytePath
  #next = 0

  constructor(path: BytePath, opened: OpenedDirectory, name: BytePath = '') {
    this.path = path
    this.opened = opened
    this.#name = name
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
