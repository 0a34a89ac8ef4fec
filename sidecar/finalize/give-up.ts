import type { ArtifactStore } from '../../src/store/store.ts'
import { longestTimer } from '../../src/util/clock.ts'
import { messageOf } from '../../src/util/errors.ts'
import type { Log } from '../../src/util/log.ts'
import { aborted, pause } from '../pause.ts'
import { readStop, type StopObject } from '../store/stop-object.ts'

/** Why storing ends before everything is stored. */
export type GiveUp = { why: 'stopped'; stop: StopObject } | { why: 'deadline' }

/** Where to look for a reason to give up. */
export interface GiveUpWatch {
  store: ArtifactStore
  job: string
  /** Milliseconds since the epoch of the first SIGTERM. */
  terminatingSince: number
  uploadTimeoutSeconds: number
  /** The preStop hook was called: the job was stopped before the worker's end. */
  stoppedBeforeEnd: boolean
  /** SIGTERM may have come while a step still ran: what it writes until its end is stored too. */
  stepMayRun: boolean
  /** Aborted by POST /end, which brings the stop object while the store may be away. */
  endRequested: AbortSignal
  /** The stop object of POST /end. */
  requestedStop(): StopObject | undefined
  log: Log
}

const lookEveryMs = 2000
const lookTimeoutMs = 5000

/** The end of the time is kept for the last checkpoint. */
const reserveMs = 5000

/**
 * A stop before storing began was meant for the worker, which ended in time: its results are worth
 * the rest of the grace, by default 30 s less the worker's share.
 */
const patienceMs = 20_000

/**
 * Resolves when storing has to be given up, or with undefined when `stopSignal` is aborted before.
 */
export async function untilGivenUp(watch: GiveUpWatch, stopSignal: AbortSignal): Promise<GiveUp | undefined> {
  const ended = new AbortController()
  const signal = AbortSignal.any([stopSignal, ended.signal])
  const first = await Promise.race([
    untilDeadline(watch, signal),
    untilStopped(watch, signal),
    untilEndRequested(watch, signal),
  ])
  ended.abort()
  return first
}

/**
 * The stop object of POST /end, else the store's; undefined where the store has none or doesn't
 * answer in 5 s.
 */
export async function lookForStop(
  { store, job, requestedStop, log }: GiveUpWatch,
  stopSignal: AbortSignal,
): Promise<StopObject | undefined> {
  const requested = requestedStop()
  if (requested !== undefined) return requested
  try {
    return await readStop(store, job, AbortSignal.any([stopSignal, AbortSignal.timeout(lookTimeoutMs)]))
  } catch (error) {
    if (!stopSignal.aborted) log.debug({ message: messageOf(error) }, 'the stop object could not be read')
    return undefined
  }
}

async function untilDeadline(watch: GiveUpWatch, stopSignal: AbortSignal): Promise<GiveUp | undefined> {
  const timeout = watch.uploadTimeoutSeconds * 1000
  const deadline = watch.terminatingSince + Math.max(timeout - reserveMs, timeout / 2)
  while (!stopSignal.aborted && Date.now() < deadline)
    await pause(Math.min(deadline - Date.now(), longestTimer), stopSignal)
  return stopSignal.aborted ? undefined : { why: 'deadline' }
}

async function untilStopped(watch: GiveUpWatch, stopSignal: AbortSignal): Promise<GiveUp | undefined> {
  let lenient = watch.stoppedBeforeEnd
  for (let looks = 1; !stopSignal.aborted; looks += 1) {
    const stop = await lookForStop(watch, stopSignal)
    if (stopSignal.aborted) break
    if (looks === 1 && stop !== undefined) lenient = true
    const patient = lenient && Date.now() < watch.terminatingSince + patienceMs
    if (stop !== undefined && (stop.outcome === 'deleted' || !patient)) return { why: 'stopped', stop }
    await pause(lookEveryMs, stopSignal)
  }
  return undefined
}

/** As untilStopped(), but without a delay, and while a request to the store hangs. */
async function untilEndRequested(watch: GiveUpWatch, stopSignal: AbortSignal): Promise<GiveUp | undefined> {
  const lenient = watch.stoppedBeforeEnd || watch.endRequested.aborted
  await Promise.race([aborted(watch.endRequested), aborted(stopSignal)])
  const stop = watch.requestedStop()
  if (stopSignal.aborted || stop === undefined) return aborted(stopSignal).then(() => undefined)
  if (lenient && stop.outcome !== 'deleted') {
    await pause(watch.terminatingSince + patienceMs - Date.now(), stopSignal)
  }
  return stopSignal.aborted ? undefined : { why: 'stopped', stop }
}
