import { randomBytes } from 'node:crypto'
import { linkKey } from '../../src/result-format/file-keys.ts'
import type { EntryLine } from '../journal/line.ts'
import { fingerprint, inodeOf, isLinked } from '../scan/entry-of.ts'
import type { OpenFile } from '../scan/open-file.ts'
import { Halted } from '../store/store-calls.ts'
import type {
  AddedFile,
  FileProcessor,
  FileToStore,
  Processing,
  UploadAsIs,
} from '../upload/file-processor.ts'
import { type LinkedFiles, sharedLine } from './linked-files.ts'

/** The newest name of an inode whose bytes are on their way. */
interface Pending {
  fingerprint: string
  processing: Processing
}

/**
 * Reads and sends a file with several hard links once. The first name goes to the processor that
 * would take it anyway, under a key that no other version of any path gets: the entries of the other
 * names refer to the same object for good.
 */
export class LinkProcessor implements FileProcessor {
  readonly #links: LinkedFiles
  readonly #others: readonly FileProcessor[]
  readonly #asIs: UploadAsIs
  /** Bounded by the pass' window. */
  readonly #pending = new Map<string, Pending>()
  readonly #prefix = `${Date.now()}-${randomBytes(4).toString('hex')}`
  #keys = 0

  constructor(links: LinkedFiles, others: readonly FileProcessor[], asIs: UploadAsIs) {
    this.#links = links
    this.#others = others
    this.#asIs = asIs
  }

  takes(file: OpenFile): boolean {
    return isLinked(file.opened)
  }

  process(toStore: FileToStore): Processing {
    const { path, file } = toStore
    const print = fingerprint(file.opened)
    const before = this.#pending.get(inodeOf(file.opened))
    if (before?.fingerprint === print) return this.#noted(toStore, print, this.#follow(before, toStore))
    const stored = this.#links.lineOf(path, file.opened)
    // Bytes that may have changed unseen are compared, and not sent again if they are the same.
    if (stored !== undefined && !stored.verify) return { stored: Promise.resolve(stored) }
    return this.#noted(toStore, print, this.#first({ ...toStore, known: stored ?? toStore.known }))
  }

  seal(): void {}

  drop(): void {}

  #first(toStore: FileToStore): Processing {
    const { file } = toStore
    const processor = this.#others.find((other) => other.takes(file)) ?? this.#asIs
    return processor.process(this.#withKey(toStore))
  }

  #withKey(toStore: FileToStore): FileToStore {
    this.#keys += 1
    return { ...toStore, uniqueKey: linkKey(this.#prefix, this.#keys) }
  }

  #follow({ processing }: Pending, toStore: FileToStore): Processing {
    if ('stored' in processing) return { stored: this.#followStored(processing.stored, toStore) }
    return { added: this.#followAdded(processing.added, toStore) }
  }

  async #followStored(
    first: Promise<EntryLine | undefined>,
    toStore: FileToStore,
  ): Promise<EntryLine | undefined> {
    const line = await first.catch(onlyHalted)
    return (
      sharedLine(toStore.path, toStore.file.stat(), line) ??
      (await this.#asIs.process(this.#withKey(toStore)).stored)
    )
  }

  async #followAdded(first: Promise<AddedFile>, toStore: FileToStore): Promise<AddedFile> {
    const added = await first.catch(onlyHalted)
    const line = sharedLine(toStore.path, toStore.file.stat(), added?.line)
    if (added !== undefined && line !== undefined) return { ...added, line }
    const again = this.#first(toStore)
    return 'added' in again ? await again.added : { line: await again.stored }
  }

  /** Until the file is stored, further names wait for it; then LinkedFiles has it. */
  #noted({ file: { opened } }: FileToStore, print: string, processing: Processing): Processing {
    const inode = inodeOf(opened)
    const pending = { fingerprint: print, processing }
    this.#pending.set(inode, pending)
    const end = (line: EntryLine | undefined) => {
      if (line !== undefined) this.#links.remember(opened, line)
      if (this.#pending.get(inode) === pending) this.#pending.delete(inode)
    }
    void settledLine(processing).then(end, () => end(undefined))
    return processing
  }
}

async function settledLine(processing: Processing): Promise<EntryLine | undefined> {
  if ('stored' in processing) return await processing.stored
  const { line, shared } = await processing.added
  if (line === undefined || shared === undefined) return line
  await shared.ended
  const outcome = shared.lineOf(line)
  return outcome === 'halted' ? undefined : outcome
}

/** The other name is tried by itself, unless the pass is halted. */
function onlyHalted(error: unknown): undefined {
  if (error instanceof Halted) throw error
  return undefined
}
