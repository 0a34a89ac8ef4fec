import type { ArtifactStore } from '../../src/artifact/store.ts'
import { longestTimer } from '../../src/artifact/timers.ts'
import { messageOf } from '../../src/errors.ts'
import type { Log } from '../../src/log.ts'
import { aborted, pause } from '../pause.ts'
import { readStop, type StopObject } from '../store/stop-object.ts'

/** Why storing ends before everything is stored. */
export type GiveUp = { why: 'stopped'; stop: StopObject } | { why: 'deadline' }

export interface Watch {
  store: ArtifactStore
  job: string
  /** Milliseconds since the epoch of the first SIGTERM. */
  terminatingSince: number
  uploadTimeoutSeconds: number
  /** The preStop hook was heard: the stop came before the worker's end. */
  hookHeard: boolean
  /** Aborted once the API has said itself what the stop object says; the store may be away. */
  told: AbortSignal
  /** What it said. */
  saidStop(): StopObject | undefined
  log: Log
}

const lookEveryMs = 2000
const lookTimeoutMs = 5000

/** What it takes to leave something usable behind comes off the end of the time. */
const reserveMs = 5000

/**
 * A stop that came before storing began was meant for the worker, which ended in time: what it left is worth the
 * rest of the grace, 30 s by default less what the worker took.
 */
const patienceMs = 20_000

/** Resolves when storing has to be given up, or with undefined when `enough` is aborted before. */
export async function untilGivenUp(watch: Watch, enough: AbortSignal): Promise<GiveUp | undefined> {
  const ended = new AbortController()
  const signal = AbortSignal.any([enough, ended.signal])
  const first = await Promise.race([
    untilDeadline(watch, signal),
    untilStopped(watch, signal),
    untilTold(watch, signal),
  ])
  ended.abort()
  return first
}

/**
 * What the API said, else the stop object, for which the store has 5 s; undefined where there is none or the store
 * doesn't answer.
 */
export async function lookForStop(
  { store, job, saidStop, log }: Watch,
  enough: AbortSignal,
): Promise<StopObject | undefined> {
  const said = saidStop()
  if (said !== undefined) return said
  try {
    return await readStop(store, job, AbortSignal.any([enough, AbortSignal.timeout(lookTimeoutMs)]))
  } catch (error) {
    if (!enough.aborted) log.debug({ message: messageOf(error) }, 'no answer whether to stop')
    return undefined
  }
}

async function untilDeadline(watch: Watch, enough: AbortSignal): Promise<GiveUp | undefined> {
  const timeout = watch.uploadTimeoutSeconds * 1000
  const deadline = watch.terminatingSince + Math.max(timeout - reserveMs, timeout / 2)
  while (!enough.aborted && Date.now() < deadline)
    await pause(Math.min(deadline - Date.now(), longestTimer), enough)
  return enough.aborted ? undefined : { why: 'deadline' }
}

async function untilStopped(watch: Watch, enough: AbortSignal): Promise<GiveUp | undefined> {
  let lenient = watch.hookHeard
  for (let looks = 1; !enough.aborted; looks += 1) {
    const stop = await lookForStop(watch, enough)
    if (enough.aborted) break
    if (looks === 1 && stop !== undefined) lenient = true
    const patient = lenient && Date.now() < watch.terminatingSince + patienceMs
    if (stop !== undefined && (stop.outcome === 'deleted' || !patient)) return { why: 'stopped', stop }
    await pause(lookEveryMs, enough)
  }
  return undefined
}

/** As untilStopped(), but at once, and where a look into the store hangs. */
async function untilTold(watch: Watch, enough: AbortSignal): Promise<GiveUp | undefined> {
  const lenient = watch.hookHeard || watch.told.aborted
  await Promise.race([aborted(watch.told), aborted(enough)])
  const stop = watch.saidStop()
  if (enough.aborted || stop === undefined) return untilEnough(enough)
  if (lenient && stop.outcome !== 'deleted') {
    await pause(watch.terminatingSince + patienceMs - Date.now(), enough)
  }
  return enough.aborted ? undefined : { why: 'stopped', stop }
}

async function untilEnough(enough: AbortSignal): Promise<undefined> {
  await aborted(enough)
}
