import type { TerminationMessage } from '../../src/job/state/termination-message.ts'
import type { Tally } from '../../src/result-format/tally.ts'
import { pause } from '../pause.ts'
import type { ResultsContext } from '../results-context.ts'
import { UnusableDirectory } from '../scan/open-tree.ts'
import type { Obstacle } from '../store/obstacle.ts'
import { StoreCalls, type Trouble } from '../store/store-calls.ts'
import { Superseded } from '../store/superseded.ts'
import { commitResults } from './commit-results.ts'
import { commitUntilQuiet } from './commit-until-quiet.ts'
import { type GiveUp, type GiveUpWatch, lookForStop, untilGivenUp } from './give-up.ts'

/** How the upload ended, for the exit code and the termination message. */
export interface UploadOutcome {
  committed: boolean
  message: TerminationMessage
}

/**
 * Shares of the 5 s at the end: requests in flight, then the last checkpoint, then aborting open
 * uploads.
 */
const lastMs = { inFlight: 1000, checkpoint: 2500, abort: 1000 }

/**
 * After the worker's end: stores what is missing and commits it, or gives up when the API says so
 * or time runs out. `checkpointing` is a pass that may still run; it never rejects. A last
 * checkpoint says what is stored, unless the job is being deleted: nothing may be written after
 * that.
 */
export async function storeResults(
  context: ResultsContext,
  watch: GiveUpWatch,
  resumed: boolean,
  checkpointing: Promise<void>,
): Promise<UploadOutcome> {
  const ended = new AbortController()
  const ending = await storeOrGiveUp(context, watch, resumed, checkpointing, ended.signal).finally(() =>
    ended.abort(),
  )
  switch (ending.kind) {
    case 'committed':
      return { committed: true, message: countsOf(ending.tally) }
    case 'superseded':
      await haltAll(context, 0)
      await context.uploads.abortAll(context.store, context.log, AbortSignal.timeout(lastMs.abort))
      return { committed: false, message: { reason: 'UploadInterrupted', message: ending.message } }
    case 'unusable':
      await haltAll(context, lastMs.inFlight)
      await context.uploads.abortAll(context.store, context.log, AbortSignal.timeout(lastMs.abort))
      return { committed: false, message: { reason: 'Error', message: ending.message } }
    case 'given-up':
      if (!isDeletion(ending.giveUp)) await writeLastCheckpoint(context)
      await context.uploads.abortAll(context.store, context.log, AbortSignal.timeout(lastMs.abort))
      return { committed: false, message: messageFor(ending, watch, context) }
  }
}

function countsOf({ count, bytes, errors }: Tally): TerminationMessage {
  return { count, bytes, errors }
}

type Decided =
  | { kind: 'committed'; tally: Tally }
  | { kind: 'superseded'; message: string }
  | { kind: 'unusable'; message: string }
  | { kind: 'given-up'; giveUp: GiveUp; obstacle?: Obstacle | undefined }

/** Whichever comes first. After giving up, no call to the store is in flight. */
async function storeOrGiveUp(
  context: ResultsContext,
  watch: GiveUpWatch,
  resumed: boolean,
  checkpointing: Promise<void>,
  ended: AbortSignal,
): Promise<Decided> {
  // After a restart the store may already be being cleared.
  const stop = resumed ? await lookForStop(watch, ended) : undefined
  if (stop?.outcome === 'deleted') return { kind: 'given-up', giveUp: { why: 'stopped', stop } }

  await context.words?.hear()

  const timeIsShort = watch.stoppedBeforeEnd
  const committed = checkpointing.then(() =>
    watch.stepMayRun
      ? commitUntilQuiet(context)
      : commitResults(context, { checkpointEveryMs: timeIsShort ? 5000 : 10_000 }),
  )
  try {
    const first = await Promise.race([committed, untilGivenUp(watch, ended)])
    if (first === undefined || !('why' in first)) return { kind: 'committed', tally: (await committed).tally }
    const obstacle = troubleOf(context).obstacle ?? context.current.obstacle
    await haltAll(context, lastMs.inFlight)
    // The manifest may have been written in the same moment.
    const last = await committed.catch(() => undefined)
    if (last !== undefined && !isDeletion(first)) return { kind: 'committed', tally: last.tally }
    return { kind: 'given-up', giveUp: first, obstacle }
  } catch (error) {
    if (error instanceof UnusableDirectory) return { kind: 'unusable', message: error.message }
    if (!(error instanceof Superseded)) throw error
    return { kind: 'superseded', message: error.message }
  }
}

/** The obstacle to storing, also to uploads that began while the worker ran. */
export function troubleOf({ calls, live }: Pick<ResultsContext, 'calls' | 'live'>): Trouble {
  const [own, before] = [calls.trouble, live?.trouble]
  if (before === undefined || own.obstacle !== undefined) return own
  return before.obstacle !== undefined || before.waitingMs > own.waitingMs ? before : own
}

async function haltAll({ calls, live }: ResultsContext, patienceMs: number): Promise<void> {
  await Promise.all([calls.halt(patienceMs), live?.halt(patienceMs)])
}

async function writeLastCheckpoint({ store, current, log }: ResultsContext): Promise<void> {
  if (current.ledger === undefined) return
  const calls = new StoreCalls(store.name)
  const written = new AbortController()
  const halting = pause(lastMs.checkpoint, written.signal).then(() => calls.halt(0))
  await current.ledger
    .checkpoint(calls, { last: true })
    .catch((error: unknown) => log.error({ error }, 'the last checkpoint could not be written'))
  written.abort()
  await halting
}

function messageFor(
  { giveUp, obstacle }: Decided & { kind: 'given-up' },
  watch: GiveUpWatch,
  { progress }: ResultsContext,
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
