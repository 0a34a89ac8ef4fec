import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
} from 'node:fs'
import { type BytePath, sortedNames, toBytePath, toBytes } from './byte-path.ts'

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants

/**
 * An open directory. Node has no openat(2), but on Linux `/proc/self/fd/<n>/<name>` means the same:
 * the name in the directory that was opened, whatever a worker has put in its place since. Such a
 * path is short however deep the tree is. On other systems (embedded mode only) names are resolved
 * from the root.
 *
 * The calls are synchronous: each takes microseconds, handing it to a thread takes longer.
 */
export class Directory {
  readonly fd: number
  readonly #base: Buffer
  /** The root's path when the scan began, for the check that nothing lies outside. */
  readonly #rootPath: BytePath

  private constructor(fd: number, path: Buffer, rootPath?: BytePath) {
    this.fd = fd
    this.#base = hasProc ? Buffer.from(`/proc/self/fd/${fd}/`) : Buffer.concat([path, slash])
    this.#rootPath = rootPath ?? pathOf(fd) ?? ''
  }

  /** Throws errors of open(2); ENOTDIR or ELOOP if the path is a link. */
  static open(path: string): Directory {
    return new Directory(openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), Buffer.from(path))
  }

  /** True if this root is at the real path `path`; also where that is unknown or it was removed. */
  isAt(path: string): boolean {
    if (this.#rootPath === '' || this.stat().nlink === 0n) return true
    return this.#rootPath === toBytePath(Buffer.from(path))
  }

  /** Names in it, sorted by their bytes, each once. */
  names(): BytePath[] {
    return sortedNames(readdirSync(this.#base, 'latin1'))
  }

  lstat(name: BytePath): BigIntStats {
    return lstatSync(this.#at(name), { bigint: true })
  }

  stat(): BigIntStats {
    return fstatSync(this.fd, { bigint: true })
  }

  readlink(name: BytePath): Buffer {
    return readlinkSync(this.#at(name), 'buffer')
  }

  /** Throws ELOOP or ENOTDIR if the name is no directory (any more). */
  openDirectory(name: BytePath): Directory {
    const path = this.#at(name)
    const fd = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK)
    return this.#checked(fd, () => new Directory(fd, path, this.#rootPath))
  }

  /**
   * A descriptor of whatever has that name: the caller checks its type. Throws ELOOP for a symlink.
   */
  openFile(name: BytePath): number {
    const fd = openSync(this.#at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    return this.#checked(fd, () => fd)
  }

  close(): void {
    closeSync(this.fd)
  }

  #at(name: BytePath): Buffer {
    return Buffer.concat([this.#base, toBytes(name)])
  }

  #checked<T>(fd: number, make: () => T): T {
    try {
      if (!this.#contains(fd)) throw new Error('it lies outside the result directory')
      return make()
    } catch (error) {
      closeSync(fd)
      throw error
    }
  }

  /**
   * The path of a descriptor is unknown above 4 KiB: then it counts as inside, since no link was
   * followed.
   */
  #contains(fd: number): boolean {
    const path = pathOf(fd)
    if (path === undefined || this.#rootPath === '') return true
    return path.startsWith(this.#rootPath === '/' ? '/' : `${this.#rootPath}/`)
  }
}

const hasProc = process.platform === 'linux'
const slash = Buffer.from('/')

function pathOf(fd: number): BytePath | undefined {
  if (!hasProc) return undefined
  try {
    return toBytePath(readlinkSync(`/proc/self/fd/${fd}`, 'buffer'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENAMETOOLONG') return undefined
    throw error
  }
}
