import type { ManifestHead } from '../../result-format/manifest/manifest.ts'
import { expectedName } from '../../util/checks/nearest.ts'
import { type FieldError, invalid, Problem } from '../../util/errors.ts'
import { isFinal, type Job } from '../job.ts'
import type { JobRequest } from '../request/request.ts'
import { stepsOf } from './effective-steps.ts'
import type { StepAnswer } from './step-answer.ts'

/** That a job's result begins with another one's, and its steps before `from` are not run. */
export interface Restart {
  /** The other job, and the UID of its attempt with the result. */
  uuid: string
  attempt: string
  /** The first step that runs; absent for a job without steps. */
  from?: string
}

/** How many of a job's steps are not run: the first ones. */
export function reusedSteps(steps: readonly { name: string }[] = [], restart: Restart | undefined): number {
  return Math.max(
    0,
    steps.findIndex(({ name }) => name === restart?.from),
  )
}

/**
 * Where a job goes on that has ended: `from` is a step's name, or `failed`. Throws a Problem
 * `invalid-request` for an unknown step, `not-final` for a live job, and `restart-impossible` if a step before has
 * not finished, none failed, or there is no result.
 */
export function restartOf(job: Job, from: string): Restart {
  const { job_uuid: uuid, state, steps = [] } = job
  if (from !== 'failed' && !steps.some(({ name }) => name === from)) throw unknownStep(from, steps)
  if (!isFinal(state)) {
    const detail = `job ${uuid} is ${state}: it can be restarted once it has ended`
    throw new Problem('not-final', detail, { retryAfterSeconds: 5 })
  }
  const index = from === 'failed' ? failedStep(job) : steps.findIndex(({ name }) => name === from)
  const unfinished = steps.slice(0, index).findIndex((_, one) => !isDone(steps, one))
  if (unfinished >= 0) throw impossible(uuid, notFinished(steps, unfinished))
  const { result, attempt } = job
  if (attempt === null || result.state === null || result.state === 'missing') {
    throw impossible(uuid, `it left no result: ${job.reason ?? 'Error'}: ${job.message ?? 'not told'}`)
  }
  if (result.state === 'expired') throw impossible(uuid, 'its result has expired and is removed')
  const step = steps[index]?.name
  return { uuid, attempt: attempt.uid, ...(step !== undefined && { from: step }) }
}

/**
 * Throws a Problem `restart-impossible` if the result lacks what the finished steps left. `request`
 * is the ended job's.
 */
export function refuseIncomplete(
  restart: Restart,
  { steps, outputs }: Pick<JobRequest, 'steps' | 'outputs'>,
  head: ManifestHead,
): void {
  const because = (problem: string) => impossible(restart.uuid, problem)
  if (head.errors > 0) {
    const first = head.first_error === undefined ? '' : `, the first is ${head.first_error.path}`
    throw because(`its result lacks the bytes of ${head.errors} files (\`FilesLeftOut\`)${first}`)
  }
  if (head.limits_reached !== undefined) {
    const names = head.limits_reached.map(({ name }) => name).join(' and ')
    throw because(`${names} kept files out of its result`)
  }
  if (reusedSteps(steps, restart) === 0) return
  if (head.checkpoint !== undefined && head.all_listed !== true) {
    throw because('its uploader ended before it had listed all files of its finished steps')
  }
  const rules = (['include', 'exclude'] as const).filter((rule) => outputs?.[rule] !== undefined)
  if (rules.length > 0) {
    const names = rules.map((rule) => `\`outputs.${rule}\``).join(' and ')
    throw because(`by ${names} its result need not have all files of its finished steps`)
  }
}

/** Where a request of a restart differs from the one before in a step that is not run. */
export function* changedSteps(restart: Restart, before: JobRequest, now: JobRequest): Generator<FieldError> {
  const [old, given] = [stepsOf(before), stepsOf(now)]
  const reused = reusedSteps(old, restart)
  const expected = 'what it was, or `from` with this step'
  for (const [index, step] of old.slice(0, reused).entries()) {
    const other = given[index]
    const problem = `changes the step ${step.name}, which is not run again`
    for (const field of programFields) {
      if (JSON.stringify(step[field]) === JSON.stringify(other?.[field])) continue
      const isOwn = now.steps?.[index]?.[field] !== undefined || before.steps?.[index]?.[field] !== undefined
      yield { field: isOwn ? `steps[${index}].${field}` : field, problem, expected }
    }
  }
  if (restart.from !== undefined && given[reused]?.name !== restart.from) {
    const problem = `lacks the step ${restart.from}, from which on it is to run`
    yield { field: `steps[${reused}].name`, problem, expected: restart.from }
  }
}

/** What a step does; more memory, or another time limit, makes no other files. */
const programFields = [
  ...(['name', 'image', 'command', 'args', 'working_directory'] as const),
  ...(['stdin', 'stdout', 'stderr'] as const),
]

/** -1 for a job without steps. Throws a Problem. */
function failedStep({ job_uuid: uuid, state, steps = [] }: Job): number {
  const advice = steps.length > 0 ? '; from=STEP names one' : ''
  if (state === 'succeeded') throw impossible(uuid, `it has succeeded: none of it failed${advice}`)
  if (steps.some((step) => step.state === 'unknown')) {
    throw impossible(uuid, 'how far its steps came was not seen; a rerun without `from` runs all of them')
  }
  const index = steps.findIndex((_, one) => !isDone(steps, one))
  if (steps.length > 0 && index === -1) throw impossible(uuid, `each of its steps has succeeded${advice}`)
  return index
}

/** Each step starts after the one before has finished, or its failure was ignored. */
function isDone(steps: readonly StepAnswer[], index: number): boolean {
  const { state } = steps[index] ?? {}
  const laterStarted = steps
    .slice(index + 1)
    .some((step) => !['waiting', 'skipped', 'unknown'].includes(step.state))
  return state === 'succeeded' || state === 'reused' || laterStarted
}

function notFinished(steps: readonly StepAnswer[], index: number): string {
  const { name, state } = steps[index] ?? {}
  const seen = state === 'unknown' ? 'was not seen to finish' : 'has not finished'
  return `its step ${name} ${seen}; from=${name} begins with that one`
}

function unknownStep(from: string, steps: readonly StepAnswer[]): Problem {
  const names = ['failed', ...steps.map(({ name }) => name)]
  if (steps.length > 0) return invalid('from', 'is no step of the job', expectedName(from, names))
  return invalid(
    'from',
    'names a step, and the job has none',
    'failed: its program runs again, with what it left',
  )
}

/** The Problem of a job that can't be restarted. */
export function impossible(uuid: string, because: string): Problem {
  return new Problem('restart-impossible', `Job ${uuid} can't be restarted: ${because}`)
}
