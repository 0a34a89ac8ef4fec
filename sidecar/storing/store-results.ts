import type { Tally } from '../../src/artifact/tally.ts'
import { messageOf } from '../../src/errors.ts'
import type { Log } from '../../src/log.ts'
import { checkpointRegularly } from '../pass/checkpointing.ts'
import type { Ledger } from '../pass/ledger.ts'
import { type PassContext, runPass, type SendingOfPass } from '../pass/pass.ts'
import { pause } from '../pause.ts'
import type { Progress } from '../progress/progress.ts'
import { isDiskFull } from '../scan/found.ts'
import type { TerminationMessage } from '../settings.ts'
import type { Obstacle } from '../store/obstacle.ts'
import { Halted, StoreCalls, type Trouble } from '../store/store-calls.ts'
import { ensureWanted, Superseded } from '../store/superseded.ts'
import { type GiveUp, lookForStop, untilGivenUp, type Watch } from './give-up.ts'

export interface StoringContext extends PassContext {
  log: Log
  /** Of the pass under way or the last one; `obstacle` is of this machine, not of the store. */
  current: { ledger?: Ledger; obstacle?: Obstacle }
  /** What began while the worker ran, where anything did. */
  early?: {
    readonly trouble: Trouble | undefined
    takingOver(): SendingOfPass
    halt(patienceMs: number): Promise<void>
  }
}

/** How it ended, for the exit code and the termination message. */
export interface Ending {
  committed: boolean
  message: TerminationMessage
}

/** Of the 5 s at the end: for requests under way, then for the last checkpoint, then for dropping open uploads. */
const lastMs = { underWay: 1000, checkpoint: 2500, drop: 1000 }

/**
 * The worker has ended: stores what is left and commits it, or gives up when the API says so or time runs out.
 * `checkpointing` is the pass that may be under way still; it never rejects. After giving up, a last checkpoint says
 * what is stored, except where the job is being deleted: nothing may follow that.
 */
export async function storeResults(
  context: StoringContext,
  watch: Watch,
  resumed: boolean,
  checkpointing: Promise<void>,
): Promise<Ending> {
  const over = new AbortController()
  // A program that was killed may come back to a store that is being cleared.
  const stop = resumed ? await lookForStop(watch, over.signal) : undefined
  if (stop?.outcome === 'deleted') return endBy(context, { why: 'stopped', stop }, watch)

  const storing = new Storing(context, watch.hookHeard)
  const committed = checkpointing.then(() => storing.run())
  try {
    const first = await Promise.race([committed, untilGivenUp(watch, over.signal)])
    if (first === undefined || !('why' in first))
      return { committed: true, message: { ...(await committed) } }
    const obstacle = troubleOf(context).obstacle ?? context.current.obstacle
    await haltAll(context, lastMs.underWay)
    // It may have been done in that very moment.
    const tally = await committed.catch(() => undefined)
    if (tally !== undefined && !isDeletion(first)) return { committed: true, message: { ...tally } }
    return await endBy(context, first, watch, obstacle)
  } catch (error) {
    if (!(error instanceof Superseded)) throw error
    await haltAll(context, 0)
    await context.uploads.abortAll(context.store, context.log, AbortSignal.timeout(lastMs.drop))
    return { committed: false, message: { reason: 'UploadInterrupted', message: error.message } }
  } finally {
    over.abort()
  }
}

/** What is in the way of storing, also of what began while the worker ran. */
export function troubleOf({ calls, early }: Pick<StoringContext, 'calls' | 'early'>): Trouble {
  const [own, before] = [calls.trouble, early?.trouble]
  if (before === undefined || own.obstacle !== undefined) return own
  return before.obstacle !== undefined || before.waitingMs > own.waitingMs ? before : own
}

/** Passes until one is complete and its manifest written; one that fails is begun again. */
class Storing {
  readonly #context: StoringContext
  readonly #checkpointEveryMs: number

  constructor(context: StoringContext, timeIsShort: boolean) {
    this.#context = context
    this.#checkpointEveryMs = timeIsShort ? 5000 : 10_000
  }

  /** Rejects with Halted and Superseded alone. */
  async run(): Promise<Tally> {
    const { calls, log, current } = this.#context
    let logged: string | undefined
    for (;;) {
      try {
        return await this.#storeOnce()
      } catch (error) {
        if (error instanceof Superseded) throw error
        if (error instanceof Halted || calls.halted.aborted) throw new Halted('storing')
        current.obstacle = isDiskFull(error)
          ? { reason: 'StorageFull', message: `the uploader's own volume is full (${messageOf(error)})` }
          : { reason: 'Error', message: messageOf(error) }
        // It may be the same for hours; the reports go on.
        if (current.obstacle.message !== logged)
          log.error({ ...current.obstacle, error }, 'storing begins again')
        logged = current.obstacle.message
        await pause(1000, calls.halted)
      }
    }
  }

  async #storeOnce(): Promise<Tally> {
    const context = this.#context
    await ensureWanted(context, context.calls)
    // What is being sent is not wanted: a full store would keep it waiting for hours.
    const onSuperseded = () => void context.calls.halt(0)
    let endCheckpoints: () => Promise<void> = async () => undefined
    try {
      const { ledger, complete } = await runPass(context, {
        final: true,
        enough: context.calls.halted,
        ...(context.early && { sending: context.early.takingOver() }),
        onBegin: (begun) => {
          context.current.ledger = begun
          delete context.current.obstacle
          endCheckpoints = checkpointRegularly(begun, this.#checkpointEveryMs, context, onSuperseded)
        },
      })
      // The manifest comes last.
      await endCheckpoints()
      if (!complete) throw new Halted('storing')
      // A file that is gone by now may still be on its way.
      await context.early?.halt(0)
      return await ledger.commit(context.calls)
    } finally {
      await endCheckpoints()
    }
  }
}

async function haltAll({ calls, early }: StoringContext, patienceMs: number): Promise<void> {
  await Promise.all([calls.halt(patienceMs), early?.halt(patienceMs)])
}

async function endBy(
  context: StoringContext,
  giveUp: GiveUp,
  watch: Watch,
  obstacle?: Obstacle,
): Promise<Ending> {
  const { store, uploads, log } = context
  const { ledger } = context.current
  if (!isDeletion(giveUp) && ledger !== undefined) {
    const last = new StoreCalls(store.name)
    const enough = new AbortController()
    const halting = pause(lastMs.checkpoint, enough.signal).then(() => last.halt(0))
    await ledger
      .checkpoint(last)
      .catch((error: unknown) => log.error({ error }, 'last checkpoint not written'))
    enough.abort()
    await halting
  }
  await uploads.abortAll(store, log, AbortSignal.timeout(lastMs.drop))
  return { committed: false, message: lastWords(giveUp, watch, context.progress, obstacle) }
}

function lastWords(
  giveUp: GiveUp,
  watch: Watch,
  progress: Progress,
  obstacle: Obstacle | undefined,
): TerminationMessage {
  if (giveUp.why === 'stopped') return { reason: giveUp.stop.reason, message: giveUp.stop.message }
  const reason = obstacle?.reason === 'StorageFull' ? 'StorageFull' : 'UploadTimeout'
  const late = `Not everything was stored within ${watch.uploadTimeoutSeconds} s (\`upload_timeout_seconds\`) of the worker's end`
  const message = `${late}: ${progress}`
  return { reason, message: obstacle === undefined ? message : `${message}; ${obstacle.message}` }
}

function isDeletion(giveUp: GiveUp): boolean {
  return giveUp.why === 'stopped' && giveUp.stop.outcome === 'deleted'
}
