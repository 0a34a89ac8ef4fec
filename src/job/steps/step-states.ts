import type { Attempt, StepObservation } from '../state/observation.ts'
import type { StepAnswer, StepState } from './step-answer.ts'

/**
 * The steps of a job's last attempt, by the names in its request. `over`: no step will start any
 * more; `ran`: there was an attempt, also if nothing is known of it; `reused`: how many of the first are not run.
 */
export function stepAnswers(
  names: readonly string[],
  attempt: Pick<Attempt, 'steps' | 'worker' | 'ended'> | undefined,
  { over, ran, reused = 0 }: { over: boolean; ran: boolean; reused?: number },
): StepAnswer[] {
  const noMore = over || attempt?.ended === true || attempt?.worker.finishedAt !== undefined
  return names.map((name, index) => {
    if (index < reused) return { name, state: 'reused', ...nothingSeen }
    const seen = attempt?.steps?.find((step) => step.name === name)
    const { exitCode, startedAt, finishedAt } = seen ?? {}
    const state = attempt === undefined && over && ran ? 'unknown' : stateOf(seen, noMore)
    return {
      name,
      state,
      exit_code: exitCode ?? null,
      started_at: timeText(startedAt),
      finished_at: startedAt === undefined ? null : timeText(finishedAt),
    }
  })
}

const nothingSeen = { exit_code: null, started_at: null, finished_at: null }

/** For people, in the middle of a sentence. */
export function nameOfProgram(step: string | undefined): string {
  return step === undefined ? 'the worker' : `the step \`${step}\``
}

/** The step that is to start next while none runs; undefined while one runs or none will start. */
export function awaitedStep(
  attempt: Pick<Attempt, 'steps' | 'worker' | 'ended'> | undefined,
): { name: string; before: StepObservation } | undefined {
  const { steps = [], worker, ended } = attempt ?? {}
  if (ended || worker?.finishedAt !== undefined) return undefined
  const index = steps.findIndex(({ startedAt }) => startedAt === undefined)
  const [before, next] = [steps[index - 1], steps[index]]
  if (before?.finishedAt === undefined || next === undefined) return undefined
  return { name: next.name, before }
}

function stateOf(seen: StepObservation | undefined, over: boolean): StepState {
  const { startedAt, finishedAt, exitCode } = seen ?? {}
  if (startedAt === undefined && finishedAt === undefined) return over ? 'skipped' : 'waiting'
  if (exitCode === 0) return 'succeeded'
  return finishedAt !== undefined || over ? 'failed' : 'running'
}

function timeText(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : new Date(milliseconds).toISOString()
}
