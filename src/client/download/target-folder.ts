import { isUtf8 } from 'node:buffer'
import { chmod, lstat, mkdir, readlink, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { ownFolder } from './names/safe-path.ts'

/** The folder of a download. Nothing is written through a link that lies in it. */
export class TargetFolder {
  readonly directory: string
  readonly #made = new Set<string>()
  #parts = 0

  constructor(directory: string) {
    this.directory = directory
  }

  async create(): Promise<void> {
    await mkdir(join(this.directory, ownFolder), { recursive: true })
  }

  /** The path of a place in the folder; bytes where it is not UTF-8. */
  pathOf(place: Uint8Array): string | Buffer {
    const bytes = Buffer.concat([Buffer.from(`${this.directory}/`), place])
    return isUtf8(bytes) ? bytes.toString() : bytes
  }

  /** The path of a file of the download itself. */
  own(name: string): string {
    return join(this.directory, ownFolder, name)
  }

  /** Makes a folder at a place, and those above it. */
  async makeFolder(place: Buffer): Promise<void> {
    const key = place.toString('latin1')
    if (place.length === 0 || this.#made.has(key)) return
    await this.makeParent(place)
    const path = this.pathOf(place)
    try {
      await mkdir(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const { mode, ...present } = await lstat(path).then((stat) => ({
        mode: stat.mode & 0o7777,
        isFolder: stat.isDirectory(),
      }))
      if (!present.isFolder) throw new Error(`${path} is in the way: it is no folder`)
      if ((mode & 0o700) !== 0o700) await chmod(path, mode | 0o700)
    }
    this.#made.add(key)
  }

  async makeParent(place: Buffer): Promise<void> {
    await this.makeFolder(place.subarray(0, Math.max(0, place.lastIndexOf(0x2f))))
  }

  /** Makes a link, in place of a file or link that is there. */
  async makeLink(place: Buffer, target: Buffer): Promise<void> {
    await this.makeParent(place)
    const path = this.pathOf(place)
    const present = await readlink(path, 'buffer').catch(() => undefined)
    if (present?.equals(target)) return
    this.#parts += 1
    const made = this.own(`link-${this.#parts}`)
    await rm(made, { force: true })
    await symlink(isUtf8(target) ? target.toString() : target, made)
    await rename(made, path)
  }
}
