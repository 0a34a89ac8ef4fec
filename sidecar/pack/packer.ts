import { hash, randomBytes } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { packKey } from '../../src/artifact/keys.ts'
import { StoreError } from '../../src/artifact/store.ts'
import { tarHeader } from '../../src/artifact/tar-header.ts'
import { messageOf } from '../../src/errors.ts'
import type { KnownLine } from '../known/line.ts'
import { type BytePath, toBytes } from '../scan/byte-path.ts'
import { fileEntry, fingerprint, wholeSeconds } from '../scan/entry-of.ts'
import { reasonOf } from '../scan/found.ts'
import type { OpenFile } from '../scan/open-file.ts'
import { Halted } from '../store/store-calls.ts'
import { ChangedWhileRead, checkUnchanged, type Reading, type Sending } from '../upload/send.ts'
import { type FileOptions, maxReadings, mayChangeUnseen, storedAsKnown } from '../upload/send-file.ts'
import { OpenPack } from './open-pack.ts'

export type PackOptions = Pick<FileOptions, 'job' | 'attempt' | 'final' | 'timesCanBeTrusted'>

/** A file that was read: its line at once, or once its pack is in the store. */
interface Taken {
  line: KnownLine | undefined | Promise<KnownLine | undefined>
}

/**
 * Brings small files into the store in packs, which are plain tars of at most 8 MiB. Files are read one after the
 * other into the pack's buffer; one that changes meanwhile leaves nothing there. Full packs are sent, some at once,
 * while the next one fills.
 */
export class Packer {
  readonly #sending: Sending
  readonly #options: PackOptions
  readonly #maxBytes: number
  readonly #program = randomBytes(4).toString('hex')
  #packs = 0
  #open: OpenPack | undefined
  #reading: Promise<unknown> = Promise.resolve()

  /** Files up to `maxBytes` are packed. */
  constructor(sending: Sending, options: PackOptions, maxBytes: number) {
    this.#sending = sending
    this.#options = options
    this.#maxBytes = maxBytes
  }

  /** Whether a file is to share an object with others. */
  packs(file: OpenFile): boolean {
    return this.#isSmall(file.stat())
  }

  /**
   * As sendFile(), but the file is read, and closed, once ready() resolves; its line comes when its pack is in the
   * store. `otherwise` sends a file that has grown too large meanwhile. To be called only when ready.
   */
  pack(
    path: BytePath,
    file: OpenFile,
    known: KnownLine | undefined,
    otherwise: () => Promise<KnownLine | undefined>,
  ): Promise<KnownLine | undefined> {
    const taken = this.#take(path, file, known, otherwise)
    this.#reading = taken.catch(() => undefined)
    return taken.then(({ line }) => line)
  }

  /** Resolves when the next file can be taken. */
  async ready(): Promise<void> {
    await this.#reading
  }

  /** Seals the pack that is open now, which a file in it may be waited for, and no later one. */
  sealer(): () => void {
    const open = this.#open
    return () => {
      if (open !== undefined && open === this.#open) this.seal()
    }
  }

  /** Has the open pack sent. */
  seal(): void {
    this.#open?.seal()
    this.#open = undefined
  }

  async #take(
    path: BytePath,
    file: OpenFile,
    known: KnownLine | undefined,
    otherwise: () => Promise<KnownLine | undefined>,
  ): Promise<Taken> {
    for (let readings = 1; ; readings += 1) {
      const reading: Reading = { file, stat: file.stat(), name: JSON.stringify(toBytes(path).toString()) }
      if (!this.#isSmall(reading.stat)) return { line: otherwise() }
      try {
        return await this.#read(path, reading, known)
      } catch (error) {
        if (error instanceof Halted) throw error
        if (!(error instanceof ChangedWhileRead)) return { line: failed(path, reading.stat, error) }
        if (!this.#options.final) return { line: undefined }
        if (readings === maxReadings) return { line: failed(path, reading.stat, error) }
      }
    }
  }

  async #read(path: BytePath, reading: Reading, known: KnownLine | undefined): Promise<Taken> {
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
    const marked = (line: KnownLine): KnownLine =>
      mayChangeUnseen(reading, openedAt, this.#options) ? { ...line, verify: true } : line
    const same = storedAsKnown(reading, known)
    if (same?.sha256 === sha256) {
      return { line: marked({ entry: fileEntry(path, stat, same), fingerprint: fingerprint(stat) }) }
    }
    const offset = pack.tar.add(header, size)
    const stored = pack.stored.then(
      (etag) => {
        const entry = fileEntry(path, stat, { sha256, key: pack.key, offset, etag })
        return marked({ entry, fingerprint: fingerprint(stat) })
      },
      (error: unknown) => {
        if (error instanceof Halted) throw error
        return failed(path, stat, error)
      },
    )
    return { line: stored }
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

function failed(path: BytePath, stat: BigIntStats, error: unknown): KnownLine {
  const text =
    error instanceof ChangedWhileRead
      ? 'it changed while it was read'
      : error instanceof StoreError
        ? `not stored: ${messageOf(error)}`
        : reasonOf(error)
  return { entry: fileEntry(path, stat, { error: text }) }
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
