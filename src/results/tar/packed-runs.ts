import type { Entry } from '../../result-format/entry.ts'
import type { Sink } from '../../util/sink.ts'
import type { FileSource } from '../file-source.ts'
import { checked, readPart, sendFile } from '../serve/file-bytes.ts'
import type { ReadableFile } from '../serve/readable-file.ts'
import { planRuns, type Run } from './plan-runs.ts'

/** Number of entries among which runs are planned at a time. */
const entriesAtOnce = 256

/**
 * Reads files in packs with few requests, if they are read in about the order of their entries. A
 * run of neighbours is fetched for the first read of one of its files and kept until the last.
 * Every other file is read separately.
 */
export class PackedRuns {
  readonly #source: FileSource
  readonly #signal: AbortSignal | undefined
  /** Keys are the entry objects that around() yields. */
  readonly #runs = new WeakMap<Entry, FetchedRun>()

  constructor(source: FileSource, signal?: AbortSignal) {
    this.#source = source
    this.#signal = signal
  }

  /** Yields the same entries after it has planned their runs. */
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

  /** Writes all bytes of a file, as sendFile() does. */
  async send(file: ReadableFile, sink: Sink): Promise<void> {
    const run = this.#runs.get(file)
    if (run === undefined) await sendFile(this.#source, file, sink, this.#signal)
    else await sink(await this.#readIn(run, file))
  }

  #planned(entries: readonly Entry[]): readonly Entry[] {
    for (const run of planRuns(entries)) {
      const fetched = { run, unread: run.files.length }
      for (const file of run.files) this.#runs.set(file, fetched)
    }
    return entries
  }

  async #readIn(fetched: FetchedRun, file: ReadableFile): Promise<Buffer> {
    fetched.bytes ??= this.#fetch(fetched.run)
    const bytes = await fetched.bytes
    fetched.unread -= 1
    // Entries of the WeakMap live on for a while: a slow reader would hold dozens of runs in
    // memory.
    if (fetched.unread <= 0) delete fetched.bytes
    const start = (file.offset ?? 0) - fetched.run.offset
    return checked(this.#source, file, bytes.subarray(start, start + file.size))
  }

  async #fetch({ offset, length, files: [first] }: Run): Promise<Buffer> {
    if (first === undefined) throw new Error('a run without files')
    // The run is read as part of its first file, so damage of the object is reported for that file.
    const part = { start: offset - first.offset, length }
    return await readPart(this.#source, first, part, this.#signal)
  }
}

interface FetchedRun {
  run: Run
  unread: number
  bytes?: Promise<Buffer>
}
