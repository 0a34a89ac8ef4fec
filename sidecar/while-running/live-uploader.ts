import { existsSync } from 'node:fs'
import { messageOf } from '../../src/util/errors.ts'
import { runCheckpointedPass } from '../pass/checkpointed-pass.ts'
import type { SelectsFile } from '../pass/decide.ts'
import type { Ledger } from '../pass/ledger.ts'
import type { PassUploads } from '../pass/pass-processors.ts'
import { aborted, pause } from '../pause.ts'
import { UploadProgress } from '../progress/upload-progress.ts'
import type { LiveUploads, ResultsContext } from '../results-context.ts'
import { isMemory } from '../scan/is-memory.ts'
import { Halted, StoreCalls, type Trouble } from '../store/store-calls.ts'
import { ensureNotSuperseded, Superseded } from '../store/superseded.ts'
import { Attempts } from './attempts.ts'
import { InFlight, longestOpenMs } from './in-flight.ts'
import { isHeavy } from './load.ts'
import { PassScheduler } from './pass-scheduler.ts'
import { Publishing } from './publishing.ts'
import { Scanner, type ScanSnapshot } from './scan-snapshot.ts'
import { selectSettled } from './select-settled-files.ts'

const checkpointEveryMs = 30_000
const scanEveryMs = 1000
/**
 * While the worker writes too much for uploads: there may be no time left once its last file has
 * settled.
 */
const heavyScanEveryMs = 200
/**
 * A scan takes at most 2 % of the time, a pass over as many files about four times as long as a
 * scan.
 */
const scanShare = 50
const passShare = 200
const askEveryMs = 60_000
const leastRestMs = 50
const retryMs = 10_000
const windowSize = 4

/**
 * Uploads files that have settled while the worker runs, and writes checkpoints of them. It has
 * store calls of its own: before the worker's end, an unavailable store or a failing file is no
 * trouble of the job.
 */
export class LiveUploader implements LiveUploads {
  readonly #context: ResultsContext
  readonly #passContext: ResultsContext
  readonly #calls: StoreCalls
  /** The checkpoints end with the worker; uploads in flight go on. */
  readonly #checkpointCalls: StoreCalls
  readonly #scheduler: PassScheduler
  readonly #attempts = new Attempts()
  readonly #inFlight = new InFlight()
  readonly #scanner: Scanner
  readonly #uploads: PassUploads
  readonly #publishing: Publishing
  readonly #stopSignal: AbortSignal
  #passing: Promise<void> | undefined
  /** Settles when the newest pass has closed its journal. */
  #journalClosed: Promise<unknown> | undefined
  #failure: { error: unknown } | undefined
  /** Of the last pass, until a checkpoint says all of it. */
  #unreported: { ledger: Ledger; complete: boolean } | undefined
  #checkpointAt = 0
  #askedAt = Date.now()
  /** `settled` of the snapshot that the last complete pass was made for. */
  #passedOver = ''
  /** When a file that the last pass left alone may have settled. */
  #nextSettledAt = Number.POSITIVE_INFINITY
  #notBefore = 0

  /** `stopSignal`: the worker has ended, or time is short. */
  constructor(context: ResultsContext, stopSignal: AbortSignal, uploadTimeoutSeconds: number) {
    const { store, resultDirectory, filter } = context
    this.#context = context
    this.#stopSignal = stopSignal
    this.#publishing = new Publishing(context.words)
    this.#calls = new StoreCalls(store.name)
    this.#checkpointCalls = new StoreCalls(store.name)
    this.#scheduler = new PassScheduler(stopSignal)
    this.#scanner = new Scanner(resultDirectory, undefined, filter)
    this.#passContext = { ...context, calls: this.#calls, progress: new UploadProgress() }
    const uploadContext = { ...this.#passContext, store: this.#scheduler.scheduled(store) }
    const longestMs = Math.max(longestOpenMs, uploadTimeoutSeconds * 1000)
    const upload = this.#inFlight.uploader(uploadContext, this.#attempts, { longestMs, stopSignal })
    this.#uploads = { upload, shared: uploadContext }
  }

  successor(): PassUploads {
    return { upload: this.#inFlight.successor(this.#context), shared: this.#context }
  }

  /** Of uploads that are still in flight at the worker's end. */
  get trouble(): Trouble | undefined {
    return this.#stopSignal.aborted ? this.#calls.trouble : undefined
  }

  /** Ends uploads in flight after `patienceMs`. */
  halt(patienceMs: number): Promise<void> {
    return this.#calls.halt(patienceMs)
  }

  /** Resolves as soon as `stopSignal` is aborted: uploads in flight go on. Never rejects. */
  async run(): Promise<void> {
    await Promise.race([this.#scanRepeatedly(), aborted(this.#stopSignal)])
    await aborted(this.#stopSignal)
    // A later checkpoint would count as newer than those of the pass that follows.
    await this.#checkpointCalls.halt(0)
    await this.#journalClosed?.catch(() => undefined)
    // A call that waits for its next attempt would keep the file from the pass that follows.
    if (this.#calls.trouble.obstacle !== undefined) await this.halt(0)
  }

  async #scanRepeatedly(): Promise<void> {
    for (let logged = ''; !this.#stopSignal.aborted; ) {
      let restMs = retryMs
      try {
        restMs = await this.#scanOnce()
      } catch (error) {
        const message = messageOf(error)
        if (error instanceof Halted || this.#stopSignal.aborted) return
        if (message !== logged)
          this.#context.log.warn({ message }, 'uploading while the worker runs failed; it is tried again')
        if (error instanceof Superseded) return
        logged = message
      }
      await pause(restMs, this.#stopSignal)
    }
  }

  /** Begins a pass where one is due. Returns the milliseconds until the next scan. */
  async #scanOnce(): Promise<number> {
    const snapshot = await this.#scanner.scan(this.#stopSignal)
    if (snapshot === undefined) return 0
    this.#scheduler.written = snapshot.written
    const leastMs = snapshot.tookMs * scanShare
    const everyMs = isHeavy(snapshot.written) ? heavyScanEveryMs : scanEveryMs
    if (this.#passing !== undefined) return Math.max(everyMs, leastMs)
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure.error

    this.#scheduler.idle()
    const now = Date.now()
    const publishes = this.#publishing.isDue(now)
    const isDue = snapshot.settled !== this.#passedOver || now >= this.#nextSettledAt
    // Before the next pass: where files keep coming, passes follow one another without a pause.
    const reports = this.#publishing.isInPass || now >= this.#checkpointAt + checkpointEveryMs
    if (this.#unreported !== undefined && reports) await this.#checkpoint()
    if (this.#stopSignal.aborted) return 0
    if (publishes) this.#publishing.begin(now, snapshot.tookMs)
    if (publishes || (isDue && now >= this.#notBefore)) this.#begin(snapshot)
    const nextMs = Math.min(snapshot.nextAt ?? Number.POSITIVE_INFINITY, this.#nextSettledAt) - Date.now()
    return Math.max(leastMs, Math.min(everyMs, Math.max(nextMs, leastRestMs)))
  }

  #begin(snapshot: ScanSnapshot): void {
    this.#unreported = undefined
    this.#passing = this.#pass(snapshot)
      .catch((error: unknown) => {
        this.#failure = { error }
      })
      .finally(() => {
        this.#passing = undefined
        this.#notBefore = Date.now() + snapshot.tookMs * passShare
      })
  }

  async #pass(snapshot: ScanSnapshot): Promise<void> {
    if (Date.now() > this.#askedAt + askEveryMs) {
      await ensureNotSuperseded(this.#passContext, this.#calls)
      this.#askedAt = Date.now()
    }
    if (this.#stopSignal.aborted) return
    this.#nextSettledAt = Number.POSITIVE_INFINITY
    const superseded = new AbortController()
    const passing = runCheckpointedPass(this.#passContext, {
      final: false,
      everyMs: checkpointEveryMs,
      checkpointCalls: this.#checkpointCalls,
      onSuperseded: () => superseded.abort(),
      stopSignal: AbortSignal.any([this.#stopSignal, superseded.signal]),
      uploads: this.#uploads,
      selection: { selects: this.#selects(), windowSize },
    })
    this.#journalClosed = passing
    const { ledger, complete } = await passing
    this.#unreported = { ledger, complete }
    if (complete) this.#passedOver = snapshot.settled
  }

  /** Writes the checkpoint of the last pass. */
  async #checkpoint(): Promise<void> {
    const { state, journals } = this.#context
    const [unreported, newest, before] = [this.#unreported, state.checkpoint, this.#checkpointAt]
    // Also where it fails: passes wait for it.
    this.#checkpointAt = Date.now()
    await unreported?.ledger.checkpoint(this.#checkpointCalls)
    // Another pass may write its journal by now.
    if (this.#stopSignal.aborted) return
    if (state.checkpoint === newest) this.#checkpointAt = before
    if (unreported?.complete) journals.adopt()
    this.#publishing.end(unreported?.complete === true)
    this.#unreported = undefined
  }

  #selects(): SelectsFile {
    const { resultDirectory } = this.#context
    const timesCanBeTrusted = existsSync(resultDirectory) && !isMemory(resultDirectory)
    return ({ path, stat }, known) => {
      // Files that come and go would otherwise fill the store: their objects stay until the job's end.
      if (this.#scheduler.sent + Number(stat.size) > this.#context.limits.maxBytes) return false
      // The worker says that its files are whole, however often they have changed.
      const again = this.#publishing.isInPass ? 0 : this.#attempts.of(path)
      const choice = selectSettled(stat, known, { now: Date.now(), again, timesCanBeTrusted })
      if (choice.send) return choice.why !== 'changed' || this.#attempts.note(path)
      this.#nextSettledAt = Math.min(this.#nextSettledAt, choice.settledAt ?? Number.POSITIVE_INFINITY)
      return false
    }
  }
}
