import * as z from 'zod'
import { stepName } from './step-schema.ts'

export const stepStates = [
  ...(['waiting', 'running', 'succeeded', 'failed'] as const),
  ...(['skipped', 'reused', 'unknown'] as const),
] as const
export type StepState = (typeof stepStates)[number]

const time = z.iso.datetime().nullable()

/** A step as a job's answer shows it. */
export const stepAnswer = z.strictObject({
  name: stepName,
  state: z
    .enum(stepStates)
    .describe(
      'skipped: it does not run; reused: it does not run, and what it had left is in the result; unknown: its pod was gone before its end was seen',
    ),
  exit_code: z.int().nullable().describe("Of the step's own program, also with ignore_error"),
  started_at: time,
  finished_at: time,
})

export type StepAnswer = z.output<typeof stepAnswer>
