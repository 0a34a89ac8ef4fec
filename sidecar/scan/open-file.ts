import { type BigIntStats, closeSync, fdatasync, fstatSync, read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import { type Found, isReplaced, look, reasonOf } from './found.ts'

const readAt = promisify(read)
const dataSync = promisify(fdatasync)

/** A file, open for reading. */
export class OpenFile {
  readonly #fd: number
  #closed = false
  /** The stat at its opening. */
  readonly opened: BigIntStats

  /** Owns the descriptor, even if this throws. */
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

  /** Fills `target` from that position of the file; false if the file ends before. */
  async fill(target: Buffer, position: number): Promise<boolean> {
    for (let filled = 0; filled < target.length; ) {
      const bytesRead = await this.#read(target.subarray(filled), position + filled)
      if (bytesRead === 0) return false
      filled += bytesRead
    }
    return true
  }

  #read(target: Buffer, position: number): number | Promise<number> {
    // A worker's new files are in the page cache: copying a small one takes less time than waking a
    // thread.
    if (target.length <= smallBytes) return readSync(this.#fd, target, 0, target.length, position)
    return readAt(this.#fd, target, 0, target.length, position).then(({ bytesRead }) => bytesRead)
  }

  /** Flushes the file to the disk; false if that fails, as on some file systems. */
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

/** Opens a file that was found, or returns what is there instead by now; undefined for nothing. */
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
  throw Object.assign(new Error('it is no longer a regular file'), { code: 'ENXIO' })
}

/**
 * A directory that replaced a file comes too late for the walk: this scan lists it without its
 * content.
 */
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
