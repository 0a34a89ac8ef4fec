import type { Entry } from '../artifact/entry.ts'
import { checked, type FileSource, inMemory, partOfFile, wholeFile } from './entry-bytes.ts'
import { planRuns, type Run } from './plan-runs.ts'
import type { ReadableFile } from './readable-file.ts'

/** So many entries are looked at together; no run goes beyond. */
const entriesAtOnce = 256

/**
 * Reads files that lie in packs by few requests, where they are read in about the order in which their entries come:
 * a run of neighbours is fetched when the first of them is wanted, and kept until the last one is. Any other file is
 * read by itself.
 */
export class PackedRuns {
  readonly #source: FileSource
  readonly #signal: AbortSignal | undefined
  /** By the very entries that around() gave. */
  readonly #runs = new WeakMap<Entry, FetchedRun>()

  constructor(source: FileSource, signal?: AbortSignal) {
    this.#source = source
    this.#signal = signal
  }

  /** The entries as they are, their runs being planned meanwhile. */
  async *around(entries: AsyncIterable<Entry>): AsyncGenerator<Entry, void> {
    let some: Entry[] = []
    for await (const entry of entries) {
      some.push(entry)
      if (some.length < entriesAtOnce) continue
      yield* this.#planned(some)
      some = []
    }
    yield* this.#planned(some)
  }

  /** All bytes of a file, as wholeFile() gives them. */
  read(file: ReadableFile): AsyncGenerator<Buffer, void> {
    const run = this.#runs.get(file)
    return run === undefined ? wholeFile(this.#source, file, this.#signal) : this.#readIn(run, file)
  }

  #planned(entries: readonly Entry[]): readonly Entry[] {
    for (const run of planRuns(entries)) {
      const fetched = { run, unread: run.files.length }
      for (const file of run.files) this.#runs.set(file, fetched)
    }
    return entries
  }

  async *#readIn(fetched: FetchedRun, file: ReadableFile): AsyncGenerator<Buffer, void> {
    fetched.bytes ??= this.#fetch(fetched.run)
    const bytes = await fetched.bytes
    fetched.unread -= 1
    // The entries that lead to it live on for a while: a slow reader would hold dozens of runs.
    if (fetched.unread <= 0) delete fetched.bytes
    const start = (file.offset ?? 0) - fetched.run.offset
    yield checked(this.#source, file, bytes.subarray(start, start + file.size))
  }

  async #fetch({ offset, length, files: [first] }: Run): Promise<Buffer> {
    if (first === undefined) throw new Error('a run without files')
    // As if it were one file: what is wrong with the object is said of the first one in it.
    const part = { start: offset - first.offset, length }
    return await inMemory(partOfFile(this.#source, first, part, this.#signal), length)
  }
}

interface FetchedRun {
  run: Run
  unread: number
  bytes?: Promise<Buffer>
}
