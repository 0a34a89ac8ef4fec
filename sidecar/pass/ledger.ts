import { setImmediate as nextTurn } from 'node:timers/promises'
import { writeCheckpoint } from '../../src/result-format/checkpoint/checkpoint-format.ts'
import type { Entry } from '../../src/result-format/entry.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import type {
  CheckpointHead,
  CheckpointLine,
  ManifestHead,
} from '../../src/result-format/manifest/manifest.ts'
import { addToTally, emptyTally, type Tally } from '../../src/result-format/tally.ts'
import type { WorkerWord } from '../../src/result-format/worker-word.ts'
import { putStream } from '../../src/store/put-stream.ts'
import { type ArtifactStore, isPreconditionFailed } from '../../src/store/store.ts'
import { defined } from '../../src/util/objects.ts'
import { Cursor } from '../journal/cursor.ts'
import type { Journal } from '../journal/journal.ts'
import { isGone, type JournalLine } from '../journal/line.ts'
import { fullVolume } from '../scan/volume-space.ts'
import type { StateDirectory } from '../state-directory.ts'
import type { StoreCalls } from '../store/store-calls.ts'
import { ensureNotSuperseded } from '../store/superseded.ts'
import type { UploadTracker } from '../store/upload-tracker.ts'
import { commitManifest } from './commit-manifest.ts'
import { RequiredOutputs } from './required-outputs.ts'
import type { ResultBudget } from './result-budget.ts'

/** Where the results of a scan are written. */
export interface LedgerContext {
  job: string
  attempt: string
  resultDirectory: string
  state: StateDirectory
  store: ArtifactStore
  uploads: UploadTracker
  /** What the worker says of itself. */
  words?: { readonly word: WorkerWord | undefined }
  /** Patterns of which each has to match an entry. */
  required: readonly string[]
}

/** After this time a commit first asks whether the attempt was superseded. */
const wantedMs = 5000

/**
 * The lines of one scan: appended to its journal, copied from there into checkpoints and in the end
 * into the manifest. None of them is ever held in memory as a whole.
 */
export class Ledger {
  readonly tally: Tally = emptyTally()
  /** Number of names that are not as the checkpoints before this scan have them. */
  changes = 0
  /** Every name that the worker left has a line: of what is stored, or with an error. */
  allListed = false
  readonly #context: LedgerContext
  readonly #journal: Journal
  readonly #scanStartedAt: string
  readonly #budget: ResultBudget
  readonly #required: RequiredOutputs
  /** The journal's length at the last checkpoint. */
  #checkpointedTo = 0
  #checkpointedUploads = '[]'
  #checkpointedWord: string | undefined
  #writing: Promise<void> = Promise.resolve()
  /** When the store was last asked whether the attempt was superseded. */
  #askedAt = Date.now()

  constructor(context: LedgerContext, journal: Journal, scanStartedAt: Date, budget: ResultBudget) {
    this.#context = context
    this.#journal = journal
    this.#scanStartedAt = scanStartedAt.toISOString()
    this.#budget = budget
    this.#required = new RequiredOutputs(context.required)
  }

  append(line: JournalLine): void {
    this.#journal.append(line)
    if (isGone(line) || line.changed) this.changes += 1
    if (isGone(line)) return
    addToTally(this.tally, line.entry)
    this.#required.see(line.entry)
  }

  /**
   * Writes a checkpoint of the changes since the last one, if there are any. The attempt's `last`
   * one says whether all names are listed. Rejects with Halted and Superseded.
   */
  checkpoint(calls: StoreCalls, { last = false } = {}): Promise<void> {
    const written = this.#writing.then(() => this.#checkpoint(calls, last))
    this.#writing = written.catch(() => undefined)
    return written
  }

  /** Writes the manifest of a complete scan. Rejects with Halted and Superseded. */
  async commit(calls: StoreCalls): Promise<Tally> {
    const { job, attempt, store, resultDirectory } = this.#context
    const end = this.#journal.flush()
    const full = fullVolume(resultDirectory)
    const { reached } = this.#budget
    const { missing } = this.#required
    const head: ManifestHead = {
      version: 1,
      job,
      attempt,
      ...this.#facts(),
      ...this.tally,
      stored_at: new Date().toISOString(),
      ...(reached.length > 0 && { limits_reached: reached }),
      ...(missing && { outputs_missing: missing }),
      ...(full && { volume_full: full }),
    }
    const entries = () => entriesOf(readJournal(this.#journal.file, 0, end))
    let asked = Date.now() - this.#askedAt <= wantedMs
    await calls.run('storing the manifest', async (signal) => {
      if (!asked) await ensureNotSuperseded(this.#context, calls)
      // The store may be away for hours before the next attempt.
      asked = false
      await commitManifest(store, head, entries, signal)
    })
    return this.tally
  }

  async #checkpoint(calls: StoreCalls, last: boolean): Promise<void> {
    const allListed = last && this.allListed
    const { state } = this.#context
    const uploads = this.#context.uploads.list()
    const end = this.#journal.flush()
    const lines = () => changesOf(readJournal(this.#journal.file, this.#checkpointedTo, end))
    const uploadsText = JSON.stringify(uploads)
    const isNew = allListed || uploadsText !== this.#checkpointedUploads || (last && this.#hasNewWord())
    if (!isNew && !(await hasAny(lines()))) return

    await ensureNotSuperseded(this.#context, calls)
    this.#askedAt = Date.now()
    await this.#leaveNoGap(calls)
    const number = state.checkpoint + 1
    state.markCheckpoint(number)
    await this.#put(calls, { number, ...(allListed && { all_listed: true }), uploads }, lines)
    this.#checkpointedTo = end
    this.#checkpointedUploads = uploadsText
  }

  /**
   * A kill or a halt may have kept the checkpoint with the newest number out of the store. One
   * without lines takes its place: a reader that may not list the bucket tries one number after the
   * other (findCheckpoints).
   */
  async #leaveNoGap(calls: StoreCalls): Promise<void> {
    const { state, uploads } = this.#context
    const number = state.checkpoint
    if (number === 0 || number === state.storedCheckpoint) return
    await this.#put(calls, { number, uploads: uploads.list() }, noLines)
  }

  async #put(
    calls: StoreCalls,
    facts: Pick<CheckpointHead, 'number' | 'all_listed' | 'uploads'>,
    lines: () => AsyncIterable<CheckpointLine>,
  ): Promise<void> {
    const { job, attempt, state, store } = this.#context
    const head: CheckpointHead = { version: 1, job, attempt, ...this.#facts(), ...facts }
    this.#checkpointedWord = JSON.stringify(head.word)
    const key = jobKeys.checkpoint(job, attempt, facts.number)
    await calls.run('storing a checkpoint', (signal) => putCheckpoint(store, key, head, lines(), signal))
    state.storedCheckpoint = facts.number
  }

  /** An older word in the head of an earlier checkpoint would stand for it. */
  #hasNewWord(): boolean {
    const { state, words } = this.#context
    return state.storedCheckpoint > 0 && JSON.stringify(words?.word) !== this.#checkpointedWord
  }

  /** The facts that a manifest's head and a checkpoint's share. */
  #facts(): Pick<CheckpointHead, 'scan_started_at' | 'stop_seen_at' | 'inputs' | 'word' | 'prepared'> {
    const { stopSeenAt, takenInputs, takenWord, prepared } = this.#context.state
    const word = this.#context.words?.word ?? takenWord
    return {
      scan_started_at: this.#scanStartedAt,
      ...defined({ stop_seen_at: stopSeenAt, inputs: takenInputs, word, prepared }),
    }
  }
}

async function* noLines(): AsyncGenerator<never, void> {}

/**
 * No number is used twice: a checkpoint that is there is this one, whose answer was lost. The
 * condition makes a captured request worthless.
 */
async function putCheckpoint(
  store: ArtifactStore,
  key: string,
  head: CheckpointHead,
  lines: AsyncIterable<CheckpointLine>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await putStream(store, key, writeCheckpoint(head, lines), { signal, ifAbsent: true })
  } catch (error) {
    if (!isPreconditionFailed(error)) throw error
  }
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
