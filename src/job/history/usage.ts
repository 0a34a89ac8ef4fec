import { isFinal } from '../job.ts'
import type { AttemptTimes } from '../state/observation.ts'
import { attemptsOf, type HistorySource, settledAt } from './history.ts'
import type { Usage } from './usage-answer.ts'

/**
 * What a job has used so far. A time counts once it is over: that of the state that the job is in
 * does not yet. Of attempts whose pods are gone only what `history` has of them counts.
 */
export function usageOf(source: HistorySource): Usage {
  const { observation, job, stored } = source
  const { attempt } = observation
  const head = stored === 'none' ? undefined : stored
  const all = attemptsOf(source).map((times) => withPreparation(times, source))
  const settled = isFinal(job.state) ? settledAt(source) : undefined
  const before = (index: number) => {
    const { endedAt, finishedAt } = all[index - 1] ?? {}
    return index === 0 ? observation.createdAt : (endedAt ?? finishedAt)
  }
  // An attempt that has ended is stored only once its manifest is found.
  const isOpen = settled === undefined && job.state !== 'queued'
  const over = (one: AttemptTimes) => {
    if (one.number !== attempt?.number) return one.endedAt
    return settled ?? (isOpen ? undefined : one.endedAt)
  }
  return {
    queued_seconds: sum(all.map((one, index) => between(before(index), one.scheduledAt))),
    pulling_seconds: sum(all.flatMap((one) => (one.pulled ? pulling(one) : []))),
    fetching_seconds: sum(all.map(({ uploaderAt, readyAt }) => between(uploaderAt, readyAt))),
    running_seconds: sum(all.map(({ startedAt, finishedAt }) => between(startedAt, finishedAt))),
    storing_seconds: sum(all.map((one) => between(one.finishedAt, over(one)))),
    input_bytes: head?.prepared?.input_bytes ?? null,
    output_bytes: job.result.state === 'missing' ? null : job.result.bytes,
    node: attempt?.node ?? null,
    images: attempt?.images ? [...attempt.images] : null,
    peak_memory_bytes: attempt?.used?.peakMemoryBytes ?? null,
    cpu_seconds: attempt?.used?.cpuSeconds ?? null,
  }
}

/** Of the attempt shown, the uploader's own times where the backend has none, or that of a restart. */
function withPreparation(times: AttemptTimes, { observation, stored }: HistorySource): AttemptTimes {
  const { started_at, ready_at } = (stored === 'none' ? undefined : stored?.prepared) ?? {}
  if (times.number !== observation.attempt?.number || !started_at || !ready_at) return times
  const [began, ready] = [Date.parse(started_at), Date.parse(ready_at)]
  return { ...times, uploaderAt: Math.min(times.uploaderAt ?? began, began), readyAt: times.readyAt ?? ready }
}

/** Seconds before its uploader's start and after it was ready. */
function pulling({ scheduledAt, uploaderAt, readyAt, startedAt }: AttemptTimes): (number | undefined)[] {
  return [between(scheduledAt, uploaderAt), between(readyAt, startedAt)]
}

function between(from: number | undefined, to: number | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : Math.max(0, to - from) / 1000
}

/** Of those that are known; null if none is. */
function sum(seconds: readonly (number | undefined)[]): number | null {
  const known = seconds.filter((one) => one !== undefined)
  if (known.length === 0) return null
  return Math.round(known.reduce((all, one) => all + one, 0) * 1000) / 1000
}
