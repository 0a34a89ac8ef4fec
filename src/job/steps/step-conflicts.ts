import type { FieldError } from '../../util/errors.ts'
import { type EffectiveStep, type Programs, stepsOf } from './effective-steps.ts'

/** A program that a step can't do without, with what is expected instead. */
export interface NeededProgram {
  field: 'image' | 'command'
  expected: string
}

/** Set by Jobferry for each step; names the folder that the steps share. */
export const scratchVariable = 'SCRATCH_DIRECTORY'

/** Where a request's steps lack a program, or contradict themselves. */
export function* stepConflicts(
  request: Programs & { env?: Readonly<Record<string, string>> },
  needed: NeededProgram | undefined,
): Generator<FieldError> {
  const reserved = { problem: 'is reserved', expected: 'another name: Jobferry sets it for steps' }
  if (request.steps && Object.hasOwn(request.env ?? {}, scratchVariable))
    yield { field: `env.${scratchVariable}`, ...reserved }
  for (const [index, step] of stepsOf(request).entries()) {
    const at = `steps[${index}]`
    if (needed && step[needed.field] === undefined) {
      yield { field: `${at}.${needed.field}`, problem: 'is missing', expected: needed.expected }
    }
    if (Object.hasOwn(step.env, scratchVariable)) yield { field: `${at}.env.${scratchVariable}`, ...reserved }
    yield* shellConflicts(step, at)
    yield* streamConflicts(step, at)
  }
}

function* shellConflicts(step: EffectiveStep, at: string): Generator<FieldError> {
  if (step.command?.length) return
  const streams = (['stdin', 'stdout', 'stderr'] as const).filter((field) => step[field] !== undefined)
  const using = [...streams, ...(step.ignore_error ? ['ignore_error'] : [])]
  if (using.length === 0) return
  const expected = `the program as a list, with ${using.join(', ')}: the image's own entrypoint is not known`
  yield { field: `${at}.command`, problem: 'is missing', expected }
}

function* streamConflicts({ stdin, stdout, stderr }: EffectiveStep, at: string): Generator<FieldError> {
  const expected = 'a file of its own'
  if (stdout !== undefined && stdout === stdin)
    yield { field: `${at}.stdout`, problem: "is the step's stdin as well", expected }
  if (stderr !== undefined && (stderr === stdin || stderr === stdout)) {
    yield { field: `${at}.stderr`, problem: "is another stream's file as well", expected }
  }
}
