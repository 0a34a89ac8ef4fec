import { existsSync } from 'node:fs'
import { messageOf } from '../../src/errors.ts'
import { checkpointRegularly } from '../pass/checkpointing.ts'
import type { Ledger } from '../pass/ledger.ts'
import type { Chooses } from '../pass/line-for.ts'
import { runPass, type SendingOfPass } from '../pass/pass.ts'
import { aborted, pause } from '../pause.ts'
import { Progress } from '../progress/progress.ts'
import { isMemory } from '../scan/is-memory.ts'
import { Halted, StoreCalls, type Trouble } from '../store/store-calls.ts'
import { ensureWanted, Superseded } from '../store/superseded.ts'
import type { StoringContext } from '../storing/store-results.ts'
import { Attempts } from './attempts.ts'
import { choose } from './choose.ts'
import { isHeavy } from './load.ts'
import { Pace } from './pace.ts'
import { type Survey, Surveyor } from './survey.ts'
import { longestOpenMs, UnderWay } from './under-way.ts'

const checkpointEveryMs = 30_000
const lookEveryMs = 1000
/** While the worker writes so much that nothing is sent: its last file's rest may be all the time that remains. */
const lookAgainMs = 200
/** A look takes at most 2 % of the time, a pass over as many files about four times as long as a look. */
const lookShare = 50
const passShare = 200
const askEveryMs = 60_000
const leastRestMs = 50
const troubledMs = 10_000
const filesAtOnce = 4

/**
 * Sends files that have settled while the worker runs, and writes checkpoints of them. It uses the store by calls of
 * its own: a store that is away, or a file that fails, is nothing to anybody before the worker's end.
 */
export class Early {
  readonly #context: StoringContext
  readonly #passContext: StoringContext
  readonly #calls: StoreCalls
  /** Of the checkpoints: they end with the worker, what is being sent goes on. */
  readonly #telling: StoreCalls
  readonly #pace: Pace
  readonly #attempts = new Attempts()
  readonly #underWay = new UnderWay()
  readonly #surveyor: Surveyor
  readonly #sending: SendingOfPass
  readonly #enough: AbortSignal
  #passing: Promise<void> | undefined
  /** Settles when the pass under way has closed its journal. */
  #leaving: Promise<unknown> | undefined
  #failure: { error: unknown } | undefined
  /** The last pass's, as long as no checkpoint says all of it. */
  #untold: { ledger: Ledger; complete: boolean } | undefined
  #checkpointAt = 0
  #askedAt = Date.now()
  /** What the last complete pass was over; when a file that it left alone may be worth sending; not before that. */
  #passedOver = ''
  #lookAt = Number.POSITIVE_INFINITY
  #notBefore = 0

  /** `enough`: the worker has ended, or time is short. */
  constructor(context: StoringContext, enough: AbortSignal, uploadTimeoutSeconds: number) {
    const { store, resultDirectory } = context
    this.#context = context
    this.#enough = enough
    this.#calls = new StoreCalls(store.name)
    this.#telling = new StoreCalls(store.name)
    this.#pace = new Pace(enough)
    this.#surveyor = new Surveyor(resultDirectory)
    this.#passContext = { ...context, calls: this.#calls, progress: new Progress() }
    const sending = { ...this.#passContext, store: this.#pace.paced(store) }
    const longestMs = Math.max(longestOpenMs, uploadTimeoutSeconds * 1000)
    const send = this.#underWay.sender(sending, this.#attempts, { longestMs, enough })
    this.#sending = { send, packs: sending }
  }

  /** For the passes that follow. */
  takingOver(): SendingOfPass {
    return { send: this.#underWay.takingOver(this.#context), packs: this.#context }
  }

  /** Of what is still under way at the worker's end. */
  get trouble(): Trouble | undefined {
    return this.#enough.aborted ? this.#calls.trouble : undefined
  }

  /** Ends what is still under way; it is given that many milliseconds. */
  halt(patienceMs: number): Promise<void> {
    return this.#calls.halt(patienceMs)
  }

  /** Resolves as soon as `enough` is aborted: files that are being sent then go on. Never rejects. */
  async run(): Promise<void> {
    await Promise.race([this.#goOn(), aborted(this.#enough)])
    await aborted(this.#enough)
    // It would count as newer than those of the pass that follows.
    await this.#telling.halt(0)
    await this.#leaving?.catch(() => undefined)
    // A call that waits for its next try would keep the file from the pass that follows.
    if (this.#calls.trouble.obstacle !== undefined) await this.halt(0)
  }

  async #goOn(): Promise<void> {
    for (let logged = ''; !this.#enough.aborted; ) {
      let rest = troubledMs
      try {
        rest = await this.#look()
      } catch (error) {
        const message = messageOf(error)
        if (error instanceof Halted || this.#enough.aborted) return
        if (message !== logged) this.#context.log.warn({ message }, 'not sent while the worker runs')
        if (error instanceof Superseded) return
        logged = message
      }
      await pause(rest, this.#enough)
    }
  }

  /** Gives the milliseconds until the next look. */
  async #look(): Promise<number> {
    const survey = await this.#surveyor.look(this.#enough)
    if (survey === undefined) return 0
    this.#pace.written = survey.written
    const least = survey.tookMs * lookShare
    const every = isHeavy(survey.written) ? lookAgainMs : lookEveryMs
    if (this.#passing !== undefined) return Math.max(every, least)
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure.error

    this.#pace.idle()
    const now = Date.now()
    const isDue = survey.settled !== this.#passedOver || now >= this.#lookAt
    // First: where files keep coming, passes follow one another without a pause.
    if (this.#untold !== undefined && now >= this.#checkpointAt + checkpointEveryMs) await this.#tell()
    if (this.#enough.aborted) return 0
    if (isDue && now >= this.#notBefore) this.#begin(survey)
    const next = Math.min(survey.nextAt ?? Number.POSITIVE_INFINITY, this.#lookAt) - Date.now()
    return Math.max(least, Math.min(every, Math.max(next, leastRestMs)))
  }

  #begin(survey: Survey): void {
    this.#untold = undefined
    this.#passing = this.#pass(survey)
      .catch((error: unknown) => {
        this.#failure = { error }
      })
      .finally(() => {
        this.#passing = undefined
        this.#notBefore = Date.now() + survey.tookMs * passShare
      })
  }

  async #pass(survey: Survey): Promise<void> {
    const context = this.#passContext
    if (Date.now() > this.#askedAt + askEveryMs) {
      await ensureWanted(context, this.#calls)
      this.#askedAt = Date.now()
    }
    if (this.#enough.aborted) return
    this.#lookAt = Number.POSITIVE_INFINITY
    const superseded = new AbortController()
    let endCheckpoints: () => Promise<void> = async () => undefined
    const leaving = runPass(context, {
      final: false,
      enough: AbortSignal.any([this.#enough, superseded.signal]),
      sending: this.#sending,
      choosing: { chooses: this.#chooses(), atOnce: filesAtOnce },
      onBegin: (begun) => {
        const telling = { ...context, calls: this.#telling }
        endCheckpoints = checkpointRegularly(begun, checkpointEveryMs, telling, () => superseded.abort())
      },
    })
    this.#leaving = leaving
    try {
      const { ledger, complete } = await leaving
      this.#untold = { ledger, complete }
      if (complete) this.#passedOver = survey.settled
    } finally {
      await endCheckpoints()
    }
  }

  /** Writes the checkpoint of the last pass. */
  async #tell(): Promise<void> {
    const { state, journals } = this.#context
    const [untold, newest, before] = [this.#untold, state.checkpoint, this.#checkpointAt]
    // One that fails is no sooner tried again: passes wait for it.
    this.#checkpointAt = Date.now()
    await untold?.ledger.checkpoint(this.#telling)
    // Another pass may write its journal by now.
    if (this.#enough.aborted) return
    if (state.checkpoint === newest) this.#checkpointAt = before
    if (untold?.complete) journals.adopt()
    this.#untold = undefined
  }

  #chooses(): Chooses {
    const { resultDirectory } = this.#context
    const timesCanBeTrusted = existsSync(resultDirectory) && !isMemory(resultDirectory)
    return ({ path, stat }, known) => {
      const again = this.#attempts.of(path)
      const choice = choose(stat, known, { now: Date.now(), again, timesCanBeTrusted })
      if (choice.send) return choice.why !== 'changed' || this.#attempts.note(path)
      this.#lookAt = Math.min(this.#lookAt, choice.lookAt ?? Number.POSITIVE_INFINITY)
      return false
    }
  }
}
