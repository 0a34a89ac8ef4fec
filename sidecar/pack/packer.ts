import { hash, randomBytes } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { packKey } from '../../src/result-format/file-keys.ts'
import { tarHeader } from '../../src/result-format/tar-header.ts'
import type { EntryLine } from '../journal/line.ts'
import { type BytePath, toBytes } from '../scan/byte-path.ts'
import { fileEntry, fingerprint, wholeSeconds } from '../scan/entry-of.ts'
import type { OpenFile } from '../scan/open-file.ts'
import { Halted } from '../store/store-calls.ts'
import type { AddedFile, FileProcessor, FileToStore, UploadAsIs } from '../upload/file-processor.ts'
import {
  ChangedWhileRead,
  type Reading,
  readUnchanged,
  type UploadContext,
} from '../upload/upload-context.ts'
import {
  maxReadings,
  mayChangeUnseen,
  outgrown,
  type PassFileOptions,
  storedAsKnown,
} from '../upload/upload-file.ts'
import { errorText, OpenPack } from './open-pack.ts'

export type PackOptions = PassFileOptions

/**
 * Stores small files in packs: plain tars of at most 4 MiB. Files are read one after the other into
 * the pack's buffer; a file that changes while it is read leaves nothing there. Full packs are
 * sent, several at once, while the next one fills.
 */
export class Packer implements FileProcessor {
  readonly #context: UploadContext
  readonly #options: PackOptions
  readonly #maxBytes: number
  readonly #asIs: UploadAsIs
  /**
   * Unique, though a packer may be made every second for days: a pack must never overwrite another
   * one. The names sort by their time: unpacked in this order, the packs leave the last version of
   * each file.
   */
  readonly #prefix = `${Date.now()}-${randomBytes(4).toString('hex')}`
  readonly #onAwaited = (pack: OpenPack) => this.seal(pack)
  #packs = 0
  #open: OpenPack | undefined
  #reading = false
  #dropped = false

  /** Files up to `maxBytes` are packed; `asIs` stores files that have grown larger meanwhile. */
  constructor(context: UploadContext, options: PackOptions, maxBytes: number, asIs: UploadAsIs) {
    this.#context = context
    this.#options = options
    this.#maxBytes = maxBytes
    this.#asIs = asIs
  }

  takes(file: OpenFile): boolean {
    return this.#isSmall(file.opened)
  }

  process(file: FileToStore): { added: Promise<AddedFile> } {
    return { added: this.#add(file) }
  }

  async #add(toStore: FileToStore): Promise<AddedFile> {
    const { path, file } = toStore
    let stat = file.opened
    for (let readings = 1; ; readings += 1) {
      if (!this.#isSmall(stat)) return { line: await this.#asIs.process(toStore).stored }
      this.#reading = true
      try {
        return await this.#read({ file, stat, name: '' }, toStore)
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

  /** Sends the open pack; with `pack`, only if that is the open one. */
  seal(pack = this.#open): void {
    if (pack === undefined || pack !== this.#open) return
    this.#open = undefined
    pack.seal()
  }

  drop(): void {
    this.#dropped = true
    // The read would fill a buffer that another pack has by then; #add() drops it afterwards.
    if (this.#reading) return
    this.#open?.seal(false)
    this.#open = undefined
  }

  async #read(reading: Reading, { path, known, counted }: FileToStore): Promise<AddedFile> {
    const { file, stat } = reading
    const openedAt = Date.now()
    const size = Number(stat.size)
    const header = headerOf(path, stat)
    const pack = await this.#packFor(header, size)
    const bytes = pack.tar.roomFor(header, size)
    await readUnchanged(reading, bytes, 0)
    file.close()
    const sha256 = hash('sha256', bytes, 'hex')
    const same = storedAsKnown(reading, known)
    const isSame = same?.sha256 === sha256
    const grown = size - Number(counted ?? file.opened.size)
    if (!isSame && grown > 0 && !this.#options.budget.grow(grown)) throw new Error(outgrown)
    const content = isSame ? same : { sha256, key: pack.key, offset: pack.tar.add(header, size), etag: '' }
    const line: EntryLine = { entry: fileEntry(path, stat, content), fingerprint: fingerprint(stat) }
    if (mayChangeUnseen(reading, openedAt, this.#options)) line.verify = true
    return isSame ? { line } : { line, shared: pack }
  }

  #isSmall({ size }: BigIntStats): boolean {
    return size <= this.#maxBytes
  }

  async #packFor(header: Buffer, size: number): Promise<OpenPack> {
    if (this.#open !== undefined && !this.#open.tar.hasRoomFor(header, size)) this.seal()
    if (this.#open === undefined) {
      this.#packs += 1
      const key = packKey(this.#prefix, this.#packs)
      this.#open = await OpenPack.begin({ ...this.#options, key, onAwaited: this.#onAwaited }, this.#context)
    }
    return this.#open
  }
}

function failed(path: BytePath, stat: BigIntStats, error: string): AddedFile {
  return { line: { entry: fileEntry(path, stat, { error }) } }
}

/**
 * Whole seconds: nanoseconds would cost each small file another kilobyte; the manifest has them.
 */
function headerOf(path: BytePath, stat: BigIntStats): Buffer {
  return tarHeader({
    path: toBytes(path),
    type: 'file',
    size: Number(stat.size),
    mode: Number(stat.mode & 0o7777n),
    mtime: { seconds: wholeSeconds(stat.mtimeNs).seconds, nanoseconds: 0 },
  })
}
