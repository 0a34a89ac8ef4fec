import { isFinal, type Job, states } from '../../job/job.ts'
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
/** Places of one state: room for its steps, and for the progress after each. */
const placesOfState = 1_000_000
const placesOfStep = 2_000

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

/** What the worker says of its progress; `number` counts the job's in this process. */
export function progressEvent(job: Job, number: number): StoryEvent | undefined {
  const { job_uuid, progress, steps = [] } = job
  if (progress === undefined || isFinal(job.state)) return undefined
  const index = Math.max(
    0,
    steps.findLastIndex(({ started_at: started }) => started !== null),
  )
  const place = runningPlace(job) + index * placesOfStep + 2 + Math.min(number, placesOfStep - 4)
  const name = `progress ${JSON.stringify(progress)}`
  return { type: 'job.progress', name, place, data: { job_uuid, progress } }
}

function stepEvents(job: Job): StoryEvent[] {
  const base = runningPlace(job)
  return (job.steps ?? []).flatMap((step, index) => {
    const from = base + index * placesOfStep
    const began = step.started_at === null ? [] : [stepEvent(job, { ...step, ...running }, from + 1)]
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
  return (number * 10 + states.indexOf(state)) * placesOfState
}

function runningPlace({ attempt }: Job): number {
  return ((attempt?.number ?? 1) * 10 + states.indexOf('running')) * placesOfState
}
