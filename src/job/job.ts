import * as z from 'zod'
import { resultDelivery } from './deliveries/delivery-answer.ts'
import { usageAnswer } from './history/usage-answer.ts'
import { reasonMeanings } from './reason-meanings.ts'
import { stepAnswer } from './steps/step-answer.ts'
import { stepName } from './steps/step-schema.ts'
import { wordAnswerShape } from './word/word-answer.ts'

export const states = [
  'queued',
  'preparing',
  'running',
  'storing',
  'succeeded',
  'failed',
  'canceled',
] as const
export type State = (typeof states)[number]

export function isFinal(state: State): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'canceled'
}

/** What a portal shows of a job: fewer words than its states, and none is ever followed by an earlier one. */
export const phases = ['queued', 'running', 'finished', 'failed', 'canceled'] as const
export type Phase = (typeof phases)[number]

const phaseOfState: Record<State, Phase> = {
  queued: 'queued',
  preparing: 'queued',
  running: 'running',
  storing: 'running',
  succeeded: 'finished',
  failed: 'failed',
  canceled: 'canceled',
}

export function phaseOf(state: State): Phase {
  return phaseOfState[state]
}

export type Reason = keyof typeof reasonMeanings
/** In the order of the table. */
export const reasons = Object.keys(reasonMeanings) as readonly Reason[]

export const resultStates = ['complete', 'partial', 'missing', 'expired'] as const
/** `expired`: removed by time; count and bytes are those of the removed result. */
export type ResultState = (typeof resultStates)[number]

const time = z.iso.datetime().describe('RFC 3339 in UTC')
const count = z.int().min(0)

export const attemptSchema = z.strictObject({ number: count, uid: z.string() })

/** Null while a value is not known. */
const resultSchema = z.strictObject({
  state: z.enum(resultStates).nullable(),
  count: count.nullable().describe('Entries of every type'),
  bytes: count.nullable(),
  expires_at: time
    .describe('When the results are or were removed, of an ended job with result_keep_seconds')
    .exactOptional(),
})

const inputSchema = z.strictObject({
  source: z.string().describe('The address without its query'),
  to: z.string().describe('Relative to the input directory'),
  size: count,
  sha256: z.string().describe('Of a folder: of the lines that sha256sum writes of its files, sorted by path'),
  files: count.describe('Of a folder alone').exactOptional(),
  etag: z.string().exactOptional(),
})

const transitionSchema = z.strictObject({
  state: z.enum(states),
  time,
  attempt: count.nullable().describe('Its number; null before the first one'),
  reason: z.enum(reasons).nullable().describe('Of `queued`: why the attempt before ended'),
  step: z.string().describe('Of `running`: the step that started; of `failed`: that failed').exactOptional(),
})

/** A job as `GET /job/:id` answers it, without its links. */
export const jobSchema = z.strictObject({
  job_uuid: z.uuid(),
  job: z.string().nullable().describe('Name of the configured job that it was started from'),
  name: z.string().describe("The request's `name`; absent without one").exactOptional(),
  labels: z
    .record(z.string(), z.string())
    .describe("The request's `labels`; absent without any")
    .exactOptional(),
  phase: z
    .enum(phases)
    .describe(
      'The state in fewer words, of which none is followed by an earlier one, through retries neither',
    ),
  state: z.enum(states),
  reason: z.enum(reasons).nullable(),
  message: z.string().nullable().describe('For people: what is awaited, or how to solve the problem'),
  exit_code: z.int().nullable().describe("The worker's exit code"),
  attempt: attemptSchema.nullable(),
  created_at: time,
  started_at: time.nullable().describe("The worker's start, of the last attempt"),
  finished_at: time.nullable().describe("The worker's end, of the last attempt"),
  steps: z
    .array(stepAnswer)
    .describe('In their order, of the last attempt; absent for a job without `steps`')
    .exactOptional(),
  ...wordAnswerShape,
  result: resultSchema,
  inputs: z
    .array(inputSchema)
    .describe(
      'What came in from `from` of its `inputs`; absent until its result is stored, and without such inputs',
    )
    .exactOptional(),
  history: z
    .array(transitionSchema)
    .describe(
      'Every transition of its state, oldest first: the first, and the last 99; in GET /job/:id alone, absent for a job that ended under version 0.2 or older',
    )
    .exactOptional(),
  usage: usageAnswer.describe('What it has used so far; where and when as `history`').exactOptional(),
  delivers_to: z
    .array(z.string())
    .describe('`to` of each item of `outputs.deliver`; absent without any')
    .exactOptional(),
  deliveries: z
    .array(resultDelivery)
    .describe('Their states as of now; only in the answers of `GET /job/:id` and `POST /job/:id/deliver`')
    .exactOptional(),
  rerun_of: z.uuid().describe('The job whose request this one repeats').exactOptional(),
  restarted_from: stepName
    .nullable()
    .describe(
      'The first step that it runs, on what `rerun_of` had stored; null for a job without steps. Absent for all others',
    )
    .exactOptional(),
  made_by: z
    .string()
    .describe('Name of the API token that made the job; absent for callers without a token')
    .exactOptional(),
})

export type Job = z.output<typeof jobSchema>
export type Transition = z.output<typeof transitionSchema>
export type JobResult = z.output<typeof resultSchema>

/** Why a job is in its state: a reason and a message for people. */
export interface Cause {
  reason: Reason
  message: string
}
