import { hash, randomBytes } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { packKey } from '../../src/artifact/keys.ts'
import { tarHeader } from '../../src/artifact/tar-header.ts'
import type { KnownLine } from '../known/line.ts'
import { type BytePath, toBytes } from '../scan/byte-path.ts'
import { fileEntry, fingerprint, wholeSeconds } from '../scan/entry-of.ts'
import type { OpenFile } from '../scan/open-file.ts'
import { Halted } from '../store/store-calls.ts'
import { ChangedWhileRead, checkUnchanged, type Reading, type Sending } from '../upload/send.ts'
import { type FileOptions, maxReadings, mayChangeUnseen, storedAsKnown } from '../upload/send-file.ts'
import { errorText, OpenPack } from './open-pack.ts'

export type PackOptions = Pick<FileOptions, 'job' | 'attempt' | 'final' | 'timesCanBeTrusted'>

/**
 * Brings small files into the store in packs, which are plain tars of at most 4 MiB. Files are read one after the
 * other into the pack's buffer; one that changes meanwhile leaves nothing there. Full packs are sent, some at once,
 * while the next one fills.
 */
export class Packer {
  readonly #sending: Sending
  readonly #options: PackOptions
  readonly #maxBytes: number
  /**
   * There may be one of these a second for days, and no two may be alike: what they name would be written over. Their
   * names sort as they were made, so that whoever unpacks all in that order ends with the last version of each file.
   */
  readonly #program = `${Date.now()}-${randomBytes(4).toString('hex')}`
  #packs = 0
  #open: OpenPack | undefined
  #reading = false
  #dropped = false

  /** Files up to `maxBytes` are packed. */
  constructor(sending: Sending, options: PackOptions, maxBytes: number) {
    this.#sending = sending
    this.#options = options
    this.#maxBytes = maxBytes
  }

  /** Whether a file is to share an object with others. */
  packs(file: OpenFile): boolean {
    return this.#isSmall(file.opened)
  }

  /**
   * As sendFile(), but resolves once the file is read. With a pack, its line is open.lineOf(line) once that has ended.
   * `otherwise` sends a file that has grown too large meanwhile. Not to be called before the call before has settled.
   */
  async pack(
    path: BytePath,
    file: OpenFile,
    known: KnownLine | undefined,
    otherwise: () => Promise<KnownLine | undefined>,
  ): Promise<Packed> {
    let stat = file.opened
    for (let readings = 1; ; readings += 1) {
      if (!this.#isSmall(stat)) return { line: await otherwise() }
      this.#reading = true
      try {
        return await this.#read(path, { file, stat, name: '' }, known)
      } catch (error) {
        if (error instanceof Halted) throw error
        if (!(error instanceof ChangedWhileRead)) return failed(path, stat, errorText(error))
        if (!this.#options.final) return { line: undefined }
        if (readings === maxReadings) return failed(path, stat, 'it changed while it was read')
      } finally {
        this.#reading = false
        if (this.#dropped) this.drop()
      }
      stat = file.stat()
    }
  }

  /** Has the open pack sent; that one alone, where one is given. */
  seal(pack = this.#open): void {
    if (pack === undefined || pack !== this.#open) return
    this.#open = undefined
    pack.seal()
  }

  /** Gives up what isn't being sent yet: nobody wants to know of it any more. */
  drop(): void {
    this.#dropped = true
    // Its buffer would be somebody else's while it is still being filled.
    if (this.#reading) return
    this.#open?.seal(false)
    this.#open = undefined
  }

  async #read(path: BytePath, reading: Reading, known: KnownLine | undefined): Promise<Packed> {
    const { file, stat } = reading
    const openedAt = Date.now()
    const size = Number(stat.size)
    const header = headerOf(path, stat)
    const pack = await this.#packFor(header, size)
    const content = pack.tar.roomFor(header, size)
    if (!(await file.fill(content, 0))) throw new ChangedWhileRead()
    checkUnchanged(reading)
    file.close()
    const sha256 = hash('sha256', content, 'hex')
    const same = storedAsKnown(reading, known)
    const isSame = same?.sha256 === sha256
    const placed = isSame ? same : { sha256, key: pack.key, offset: pack.tar.add(header, size), etag: '' }
    const line: KnownLine = { entry: fileEntry(path, stat, placed), fingerprint: fingerprint(stat) }
    if (mayChangeUnseen(reading, openedAt, this.#options)) line.verify = true
    return isSame ? { line } : { line, pack }
  }

  #isSmall({ size }: BigIntStats): boolean {
    return size <= this.#maxBytes
  }

  async #packFor(header: Buffer, size: number): Promise<OpenPack> {
    if (this.#open !== undefined && !this.#open.tar.hasRoomFor(header, size)) this.seal()
    if (this.#open === undefined) {
      this.#packs += 1
      const key = packKey(this.#program, this.#packs)
      this.#open = await OpenPack.begin({ ...this.#options, key }, this.#sending)
    }
    return this.#open
  }
}

/** A file that was read, and where its bytes are if they have yet to be stored. */
export interface Packed {
  line: KnownLine | undefined
  pack?: OpenPack
}

function failed(path: BytePath, stat: BigIntStats, error: string): Packed {
  return { line: { entry: fileEntry(path, stat, { error }) } }
}

/** Whole seconds: with nanoseconds each small file would take a further kilobyte. The manifest has them. */
function headerOf(path: BytePath, stat: BigIntStats): Buffer {
  return tarHeader({
    path: toBytes(path),
    type: 'file',
    size: Number(stat.size),
    mode: Number(stat.mode & 0o7777n),
    mtime: { seconds: wholeSeconds(stat.mtimeNs).seconds, nanoseconds: 0 },
  })
}
