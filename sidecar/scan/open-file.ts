import { type BigIntStats, closeSync, fdatasync, fstatSync, read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import { type Found, isReplaced, look, reasonOf } from './found.ts'

const readAt = promisify(read)
const dataSync = promisify(fdatasync)

/** A file, open for reading. */
export class OpenFile {
  readonly #fd: number
  #closed = false
  /** As it was when it was opened. */
  readonly opened: BigIntStats

  /** Takes the descriptor over, also where this throws. */
  constructor(fd: number) {
    this.#fd = fd
    try {
      this.opened = this.stat()
    } catch (error) {
      this.close()
      throw error
    }
  }

  stat(): BigIntStats {
    return fstatSync(this.#fd, { bigint: true })
  }

  /** Fills `target` from that position of the file on; false where the file ends before. */
  async fill(target: Buffer, position: number): Promise<boolean> {
    for (let filled = 0; filled < target.length; ) {
      const bytesRead = await this.#read(target.subarray(filled), position + filled)
      if (bytesRead === 0) return false
      filled += bytesRead
    }
    return true
  }

  #read(target: Buffer, position: number): number | Promise<number> {
    // What a worker has just written is in memory: copying a little of it takes less than waking a thread for it.
    if (target.length <= smallBytes) return readSync(this.#fd, target, 0, target.length, position)
    return readAt(this.#fd, target, 0, target.length, position).then(({ bytesRead }) => bytesRead)
  }

  /** Has what was written so far brought to the disk; false where that fails, not every file system can. */
  flush(): Promise<boolean> {
    return dataSync(this.#fd).then(
      () => true,
      () => false,
    )
  }

  /** May be called again. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    closeSync(this.#fd)
  }
}

const smallBytes = 64 * 1024

export type Opened = { file: OpenFile } | { instead: Found | undefined }

/** Opens what was found to be a file, or says what is there instead by now; undefined where nothing is. */
export function openFound(found: Found & { type: 'file' }): Opened {
  let current: Found | undefined = found
  for (let tries = 1; current?.type === 'file'; tries += 1) {
    try {
      return { file: openRegular(current) }
    } catch (error) {
      if (!isReplaced(error) || tries === maxTries) {
        return {
          instead: { type: 'unreadable', path: found.path, stat: current.stat, error: reasonOf(error) },
        }
      }
      current = look(found.parent, found.name, found.path)
    }
  }
  return { instead: withoutNames(current) }
}

const maxTries = 20

function openRegular(found: Found & { type: 'file' }): OpenFile {
  const file = new OpenFile(found.parent.openFile(found.name))
  if (file.opened.isFile()) return file
  file.close()
  throw Object.assign(new Error('it is no regular file any more'), { code: 'ENXIO' })
}

/** A directory that took a file's place comes too late for the walk: this scan lists it without what is in it. */
function withoutNames(found: Found | undefined): Found | undefined {
  if (found?.type !== 'directory') return found
  found.opened?.directory.close()
  return {
    type: 'directory',
    path: found.path,
    stat: found.stat,
    error: 'it took the place of a file during the scan',
  }
}
