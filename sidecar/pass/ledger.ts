import { setImmediate as nextTurn } from 'node:timers/promises'
import { writeCheckpoint } from '../../src/artifact/checkpoint-format.ts'
import type { Entry } from '../../src/artifact/entry.ts'
import { layout } from '../../src/artifact/layout.ts'
import type { CheckpointHead, CheckpointLine, ManifestHead } from '../../src/artifact/manifest.ts'
import { putStream } from '../../src/artifact/put-stream.ts'
import { type ArtifactStore, isOccupied } from '../../src/artifact/store.ts'
import { addToTally, emptyTally, type Tally } from '../../src/artifact/tally.ts'
import { Cursor } from '../known/cursor.ts'
import type { Journal } from '../known/journal.ts'
import { isGone, type JournalLine } from '../known/line.ts'
import { fullVolume } from '../scan/full-volume.ts'
import type { StateDirectory } from '../state-directory.ts'
import type { OpenUploads } from '../store/open-uploads.ts'
import type { StoreCalls } from '../store/store-calls.ts'
import { ensureWanted } from '../store/superseded.ts'
import { commitManifest } from './commit-manifest.ts'

/** What is written into the store about a scan, and how. */
export interface LedgerContext {
  job: string
  attempt: string
  resultDirectory: string
  state: StateDirectory
  store: ArtifactStore
  uploads: OpenUploads
}

/** After that time a commit asks first whether anything is still wanted. */
const wantedMs = 5000

/**
 * The findings of one scan: into its journal as they come, from there into checkpoints and in the end into the
 * manifest. Neither is ever held in memory.
 */
export class Ledger {
  readonly tally: Tally = emptyTally()
  readonly #context: LedgerContext
  readonly #journal: Journal
  readonly #scanStartedAt: string
  /** Up to where checkpoints say what the journal says. */
  #said = 0
  #saidUploads = '[]'
  #writing: Promise<void> = Promise.resolve()
  /** When it was last asked whether results are still wanted. */
  #askedAt = Date.now()

  constructor(context: LedgerContext, journal: Journal, scanStartedAt: Date) {
    this.#context = context
    this.#journal = journal
    this.#scanStartedAt = scanStartedAt.toISOString()
  }

  append(line: JournalLine): void {
    this.#journal.append(line)
    if (!isGone(line)) addToTally(this.tally, line.entry)
  }

  /** Writes a checkpoint of what has changed since the last one; none where nothing has. Throws Halted, Superseded. */
  checkpoint(calls: StoreCalls): Promise<void> {
    const written = this.#writing.then(() => this.#checkpoint(calls))
    this.#writing = written.catch(() => undefined)
    return written
  }

  /** Writes the manifest of a scan that is complete. Throws Halted and Superseded. */
  async commit(calls: StoreCalls): Promise<Tally> {
    const { job, attempt, store, resultDirectory } = this.#context
    const end = this.#journal.flush()
    const full = fullVolume(resultDirectory)
    const head: ManifestHead = {
      version: 1,
      job,
      attempt,
      ...this.#times(),
      ...this.tally,
      ...(full && { volume_full: full }),
    }
    const entries = () => entriesOf(readJournal(this.#journal.file, 0, end))
    let asked = Date.now() - this.#askedAt <= wantedMs
    await calls.run('storing the manifest', async (signal) => {
      if (!asked) await ensureWanted(this.#context, calls)
      // Between this try and the next one the store may be away for hours.
      asked = false
      await commitManifest(store, head, entries, signal)
    })
    return this.tally
  }

  async #checkpoint(calls: StoreCalls): Promise<void> {
    const { job, attempt, state, store } = this.#context
    const uploads = this.#context.uploads.list()
    const end = this.#journal.flush()
    const lines = () => changesOf(readJournal(this.#journal.file, this.#said, end))
    const uploadsText = JSON.stringify(uploads)
    if (uploadsText === this.#saidUploads && !(await hasAny(lines()))) return

    await ensureWanted(this.#context, calls)
    this.#askedAt = Date.now()
    await this.#leaveNoGap(calls)
    const number = state.checkpoint + 1
    state.markCheckpoint(number)
    const head: CheckpointHead = { version: 1, job, attempt, number, ...this.#times(), uploads }
    await calls.run('storing a checkpoint', (signal) =>
      putStream(store, layout.checkpoint(job, attempt, number), writeCheckpoint(head, lines()), { signal }),
    )
    state.storedCheckpoint = number
    this.#said = end
    this.#saidUploads = uploadsText
  }

  /**
   * The newest number may have been taken for a checkpoint that a kill or a halt kept out of the store. One without
   * lines takes its place, since whoever may not list the bucket looks for number after number (findCheckpoints).
   */
  async #leaveNoGap(calls: StoreCalls): Promise<void> {
    const { job, attempt, state, store, uploads } = this.#context
    const number = state.checkpoint
    if (number === 0 || number === state.storedCheckpoint) return
    const head: CheckpointHead = {
      version: 1,
      job,
      attempt,
      number,
      ...this.#times(),
      uploads: uploads.list(),
    }
    const key = layout.checkpoint(job, attempt, number)
    await calls.run('storing a checkpoint', (signal) =>
      putStream(store, key, writeCheckpoint(head, noLines()), { signal, ifAbsent: true }).catch(occupied),
    )
    state.storedCheckpoint = number
  }

  #times(): { scan_started_at: string; stop_seen_at?: string } {
    const stopSeenAt = this.#context.state.stopSeenAt
    const scan = { scan_started_at: this.#scanStartedAt }
    return stopSeenAt === undefined ? scan : { ...scan, stop_seen_at: stopSeenAt }
  }
}

async function* noLines(): AsyncGenerator<never, void> {}

function occupied(error: unknown): void {
  if (!isOccupied(error)) throw error
}

async function* readJournal(file: string, start: number, end: number): AsyncGenerator<JournalLine, void> {
  using cursor = new Cursor(file, start, end)
  for (let read = 1, placed = cursor.next(); placed !== undefined; placed = cursor.next(), read += 1) {
    yield placed.line
    if (read % 256 === 0) await nextTurn()
  }
}

async function* changesOf(lines: AsyncIterable<JournalLine>): AsyncGenerator<CheckpointLine, void> {
  for await (const line of lines) {
    if (isGone(line)) yield line.gone
    else if (line.changed) yield line.entry
  }
}

async function* entriesOf(lines: AsyncIterable<JournalLine>): AsyncGenerator<Entry, void> {
  for await (const line of lines) if (!isGone(line)) yield line.entry
}

async function hasAny(lines: AsyncIterable<unknown>): Promise<boolean> {
  for await (const _ of lines) return true
  return false
}
