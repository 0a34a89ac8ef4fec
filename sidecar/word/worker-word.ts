import { jobKeys } from '../../src/result-format/job-keys.ts'
import type { WorkerWord } from '../../src/result-format/worker-word.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { messageOf } from '../../src/util/errors.ts'
import type { Log } from '../../src/util/log.ts'
import { defined } from '../../src/util/objects.ts'
import { orAborted, pause } from '../pause.ts'
import type { Words } from '../results-context.ts'
import type { StoreCalls } from '../store/store-calls.ts'
import { pauseBefore, repeatMilliseconds, silencePause } from './pace.ts'
import { Silence, thisMoment } from './silence.ts'
import { WordFiles } from './word-files.ts'

export interface WorkerWordParts {
  directory: string
  job: string
  attempt: string
  heartbeatSeconds: number | undefined
  /** A `publish` has an effect. */
  publishes: boolean
  store: ArtifactStore
  log: Log
}

const lookEveryMs = 1000
/** The word of a worker that has said nothing. */
const nothing = '{}'
const nothingPublishes = '`publish` has no effect, since `upload_while_running` is false'

/**
 * What the worker says of itself. While it runs, the word goes into this program's log, for the API,
 * which reads the end of that log: `{"word": WorkerWord}`, with `silent_seconds` once the worker was
 * silent for the heartbeat's time. Values go into the store, and all of it into the head of
 * checkpoints and manifest. However often the worker writes, its files are read once a second.
 */
export class WorkerWords implements Words {
  readonly #parts: WorkerWordParts
  readonly #files: WordFiles
  readonly #beganAt = performance.now()
  readonly #silence = new Silence(thisMoment())
  #said = { text: nothing, at: Number.NEGATIVE_INFINITY }
  #stored: { text: string; bytes: number } | undefined
  #triedAt = Number.NEGATIVE_INFINITY
  #wantedAt: number | undefined
  #publishedAt: string | undefined
  #inVain = false
  #looking: Promise<void> = Promise.resolve()
  /** Undefined as soon as it has ended; never rejects. */
  #storing: Promise<void> | undefined
  #taken: string | undefined
  #taking: Promise<unknown> = Promise.resolve()

  constructor(parts: WorkerWordParts) {
    this.#parts = parts
    this.#files = new WordFiles(parts.directory)
  }

  get word(): WorkerWord | undefined {
    const { progress, changedAt } = this.#files.progress
    const { held } = this.#files
    const problem = [this.#files.problem, this.#inVain ? nothingPublishes : undefined]
    const word: WorkerWord = defined({
      ...progress,
      updated_at: changedAt === undefined ? undefined : new Date(changedAt).toISOString(),
      values_bytes: this.#stored?.bytes,
      published_at: this.#publishedAt,
      held: held && { at: new Date(held.at).toISOString(), exit_code: held.exitCode },
      problem: problem.filter((one) => one !== undefined).join('. ') || undefined,
    })
    return Object.keys(word).length === 0 ? undefined : word
  }

  /** When a `publish` was seen that is not answered yet; milliseconds since the epoch. */
  get publishWanted(): number | undefined {
    return this.#wantedAt
  }

  /** All files that had settled at that `publish` are in the store, and a checkpoint names them. */
  published(wantedAt: number): void {
    this.#publishedAt = new Date().toISOString()
    if (this.#wantedAt === wantedAt) this.#wantedAt = undefined
  }

  /** Looks until `stopSignal` is aborted: then the worker has ended. Never rejects. */
  async run(stopSignal: AbortSignal): Promise<void> {
    while (!stopSignal.aborted) {
      this.#looking = this.#look(stopSignal)
      await this.#looking
      await pause(lookEveryMs, stopSignal)
    }
  }

  async hear(): Promise<void> {
    await this.#looking
    await this.#files.look({ last: true })
    this.#sayNew()
  }

  take(calls: StoreCalls): Promise<boolean> {
    const taking = this.#taking.then(() => this.#take(calls))
    this.#taking = taking.catch(() => undefined)
    return taking
  }

  async #take(calls: StoreCalls): Promise<boolean> {
    await this.#looking
    // Never aborted: the store may execute an aborted write later, over the last values.
    if (this.#storing !== undefined) await orAborted(this.#storing, calls.halted)
    await this.#files.look({ last: true })
    const text = this.#files.values
    if (text !== undefined && text !== this.#stored?.text)
      await calls.run("storing the worker's values", (signal) => this.#store(text, signal))
    this.#sayNew()
    const before = this.#taken
    this.#taken = JSON.stringify(this.word)
    return this.#taken !== before
  }

  #sayNew(): void {
    if (this.#textOf(false) !== this.#said.text) this.#say(false)
  }

  async #look(stopSignal: AbortSignal): Promise<void> {
    const { changed, publish } = await this.#files.look()
    if (publish && this.#parts.publishes) this.#wantedAt = Date.now()
    if (publish && !this.#parts.publishes) this.#inVain = true
    const moment = thisMoment()
    this.#silence.look(changed, moment)
    if (stopSignal.aborted) return
    this.#storeIfDue(moment.now)
    this.#sayIfDue(moment.now)
  }

  /** In the background, so that a slow store delays no look. */
  #storeIfDue(now: number): void {
    const text = this.#files.values
    const pauseMs = pauseBefore('store', now - this.#beganAt)
    if (text === undefined || text === this.#stored?.text || now < this.#triedAt + pauseMs) return
    if (this.#storing !== undefined) return
    this.#triedAt = now
    // While the worker runs, an unavailable store does no harm to the job.
    this.#storing = this.#store(text)
      .catch((error: unknown) =>
        this.#parts.log.debug({ problem: messageOf(error) }, 'values are stored later'),
      )
      .finally(() => {
        this.#storing = undefined
      })
  }

  async #store(text: string, signal?: AbortSignal): Promise<void> {
    const { store, job, attempt } = this.#parts
    const bytes = Buffer.from(text)
    await store.put(jobKeys.values(job, attempt), bytes, signal)
    this.#stored = { text, bytes: bytes.length }
  }

  #sayIfDue(now: number): void {
    const { heartbeatSeconds } = this.#parts
    const limitMs = (heartbeatSeconds ?? Number.POSITIVE_INFINITY) * 1000
    const isSilent = this.#silence.milliseconds >= limitMs
    const isChanged = this.#textOf(isSilent) !== this.#said.text
    const changedMs = pauseBefore('say', now - this.#beganAt)
    const sameMs = isSilent ? silencePause(limitMs) : repeatMilliseconds
    if (now >= this.#said.at + (isChanged ? changedMs : sameMs)) this.#say(isSilent, now)
  }

  /** Logs the word, unless the worker has said nothing. */
  #say(isSilent: boolean, now = performance.now()): void {
    const text = this.#textOf(isSilent)
    if (text === nothing) return
    this.#said = { text, at: now }
    const silent = isSilent ? { silent_seconds: Math.floor(this.#silence.milliseconds / 1000) } : {}
    this.#parts.log.info({ word: this.word ?? {}, ...silent }, 'what the worker says')
  }

  #textOf(isSilent: boolean): string {
    return JSON.stringify({ ...this.word, ...(isSilent && { isSilent }) })
  }
}
