import { isFinal, type Job } from '../../job/job.ts'
import type { StepAnswer } from '../../job/steps/step-answer.ts'

/** An event of a job before its end. */
export interface StoryEvent {
  /** `job.running`, `job.step`, `job.progress`. */
  type: string
  /** Names the event among the job's, the same whenever it is found. */
  name: string
  /** Its place in the job's lane. */
  place: number
  data: unknown
}

/** Behind every other event. */
export const endPlace = 999_999_999_999
/** Places of one attempt, of them each step's: its begin, the progress and its end. */
const placesOfAttempt = 1_000_000_000
const placesOfStep = placesOfAttempt / 25
const mostAttempts = 998
const storingPlace = placesOfAttempt - 1

/**
 * The state of a job and what its steps have come to, in order. Found again, also by another
 * replica, they have the same names and places.
 */
export function eventsOf(job: Job): StoryEvent[] {
  if (isFinal(job.state)) return []
  const place = statePlace(job)
  const state = { type: `job.${job.state}`, name: `state ${place}`, place, data: { job } }
  return [state, ...stepEvents(job)].sort((a, b) => a.place - b.place)
}

/**
 * What the worker says of its progress. Its place follows from its time, in tenths of a second since
 * the job was made, so that a process that knows nothing of earlier ones doesn't go back.
 */
export function progressEvent(job: Job): StoryEvent | undefined {
  const { job_uuid, progress, steps = [], created_at: created } = job
  if (progress === undefined || isFinal(job.state)) return undefined
  const index = Math.max(
    0,
    steps.findLastIndex(({ started_at: began }) => began !== null && began <= progress.updated_at),
  )
  const tenths = Math.floor((Date.parse(progress.updated_at) - Date.parse(created)) / 100)
  const within = Math.min(Math.max(0, tenths), placesOfStep - 3)
  const place = stepPlace(job, index) + 1 + within
  const name = `progress ${JSON.stringify(progress)}`
  return { type: 'job.progress', name, place, data: { job_uuid, progress } }
}

/** Also of a job that has ended: the end of its last step may be seen only with its own. */
export function stepEvents(job: Job): StoryEvent[] {
  return (job.steps ?? []).flatMap((step, index) => {
    const from = stepPlace(job, index)
    const began = step.started_at === null ? [] : [stepEvent(job, { ...step, ...running }, from)]
    const ended = ['succeeded', 'failed', 'skipped'].includes(step.state)
    return ended ? [...began, stepEvent(job, step, from + placesOfStep - 1)] : began
  })
}

const running = { state: 'running', exit_code: null, finished_at: null } as const

function stepEvent({ job_uuid, attempt }: Job, step: StepAnswer, place: number): StoryEvent {
  const data = { job_uuid, attempt: attempt?.number ?? null, step }
  return { type: 'job.step', name: `step ${place} ${step.state}`, place, data }
}

/** A job that waits for a further attempt comes behind all of the attempt before. */
function statePlace({ state, attempt, started_at: started }: Job): number {
  const isBetween = state === 'queued' && started !== null
  const number = (attempt?.number ?? 1) + (isBetween ? 1 : 0)
  return attemptPlace(number) + (state === 'storing' ? storingPlace : early.indexOf(state))
}

const early: readonly string[] = ['queued', 'preparing', 'running']

function stepPlace({ attempt }: Job, index: number): number {
  return attemptPlace(attempt?.number ?? 1) + early.length + index * placesOfStep
}

function attemptPlace(number: number): number {
  return Math.min(number, mostAttempts) * placesOfAttempt
}
