import { isFinal, type Job, type Transition } from '../job.ts'
import type { AttemptTimes, Observation, Stored } from '../state/observation.ts'
import { timesOf, timesOfEarlier } from './attempt-times.ts'

/** What a job's history and usage are made of. */
export interface HistorySource {
  observation: Observation
  /** As callers see it now. */
  job: Pick<Job, 'state' | 'reason' | 'attempt' | 'result'>
  stored: Stored | undefined
}

/** The first one, and as many of the last as make this number. */
export const mostTransitions = 100

interface Seen extends Omit<Transition, 'time'> {
  /** Milliseconds since the epoch; undefined: that of the one before. */
  at: number | undefined
}

/**
 * Every transition of a job's state up to the one it is in, oldest first. Made of what backend and
 * store keep, so that each process makes the same one. What none of them keeps is left out: that of
 * an attempt whose pod is gone, of a cause that came and went. No time is before an earlier one,
 * though the clocks of a node and of the API server may differ.
 */
export function historyOf(source: HistorySource): Transition[] {
  const { observation, job } = source
  const seen = [...beforeAttempts(observation), ...attemptsOf(source).flatMap(ofAttempt)]
  const last = seen.at(-1)
  if (last?.state !== job.state) {
    const attempt = job.attempt?.number ?? last?.attempt ?? null
    const step = stepOfEnd(source)
    const at = isFinal(job.state) ? settledAt(source) : undefined
    seen.push({ state: job.state, at, attempt, reason: job.reason, ...(step !== undefined && { step }) })
  }
  return bounded(inOrder(seen))
}

/** All attempts of which anything is known, oldest first; the one shown is the last. */
export function attemptsOf({ observation, job }: HistorySource): AttemptTimes[] {
  const { attempt, earlier = [], disruptions = [] } = observation
  const found = new Map<number, AttemptTimes>()
  for (const { number, reason, at } of disruptions) found.set(number, { number, reason, endedAt: at })
  for (const one of earlier) found.set(one.number, { ...one, ...reasonOf(found.get(one.number)) })
  if (attempt) {
    const goesOn = attempt.ended && job.state === 'queued'
    const times = goesOn ? timesOfEarlier(attempt) : timesOf(attempt)
    found.set(attempt.number, { ...times, ...(goesOn && reasonOf(found.get(attempt.number))) })
  }
  // Once a job is over, later attempts of its backend don't count, and nothing follows its own.
  const final = isFinal(job.state) ? job.attempt?.number : undefined
  const own = final === undefined ? undefined : found.get(final)
  if (own !== undefined) {
    const { reason: _, ...times } = own
    found.set(own.number, times)
  }
  const shown = final ?? (isFinal(job.state) ? undefined : attempt?.number) ?? Number.POSITIVE_INFINITY
  return [...found.values()].filter(({ number }) => number <= shown).sort((a, b) => a.number - b.number)
}

/** When the job's end was settled, as far as it is known; milliseconds since the epoch. */
export function settledAt({ observation, job, stored }: HistorySource): number | undefined {
  const { attempt, ended, stop } = observation
  const head = stored === 'none' ? undefined : stored
  const storedAt = head?.stored_at === undefined ? Number.NaN : Date.parse(head.stored_at)
  const end = Number.isNaN(storedAt) ? (attempt?.endedAt ?? ended?.at) : storedAt
  // A stop that an attempt's end decided only keeps further attempts off: it is written after the end.
  const stoppedAt = job.state === 'succeeded' || stop?.attempt !== undefined ? undefined : stop?.at
  const times = [end, attempt?.worker.finishedAt, stoppedAt]
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? stop?.at : Math.max(...known)
}

function beforeAttempts({ createdAt, waiting, begunAt }: Observation): Seen[] {
  const queued = { state: 'queued' as const, attempt: null }
  const waited = begunAt !== undefined || (waiting?.jobs.length ?? 0) > 0
  const first: Seen = { ...queued, at: createdAt, reason: waited ? 'WaitingForJobs' : null }
  return begunAt === undefined ? [first] : [first, { ...queued, at: begunAt, reason: null }]
}

function ofAttempt(times: AttemptTimes): Seen[] {
  const { number, scheduledAt, startedAt, finishedAt, steps = [], endedAt, reason } = times
  const seen: Seen[] = []
  const add = (state: Transition['state'], at: number | undefined, more: Partial<Transition> = {}) => {
    if (at !== undefined) seen.push({ state, at, attempt: number, reason: null, ...more })
  }
  add('preparing', scheduledAt)
  if (steps.length === 0) add('running', startedAt)
  for (const { name, startedAt: at } of steps) add('running', at, { step: name })
  add('storing', finishedAt)
  if (reason !== undefined) add('queued', endedAt ?? finishedAt, { reason })
  return seen
}

function reasonOf(disruption: AttemptTimes | undefined): Pick<AttemptTimes, 'reason'> {
  return disruption?.reason === undefined ? {} : { reason: disruption.reason }
}

/** The step that decided the job's end. */
function stepOfEnd({ observation, job }: HistorySource): string | undefined {
  const { exitCode, step, startedAt } = observation.attempt?.worker ?? {}
  return job.state === 'failed' && startedAt !== undefined && exitCode !== 0 ? step : undefined
}

function inOrder(seen: readonly Seen[]): Transition[] {
  let latest = 0
  return seen.map(({ at = latest, state, ...rest }) => {
    latest = Math.max(latest, at)
    return { state, time: new Date(latest).toISOString(), ...rest }
  })
}

function bounded(all: Transition[]): Transition[] {
  if (all.length <= mostTransitions) return all
  return [...all.slice(0, 1), ...all.slice(all.length - mostTransitions + 1)]
}
