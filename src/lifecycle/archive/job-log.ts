import type { Readable } from 'node:stream'
import type { ContainerLog, JobBackend, ReadLogOptions } from '../../job/backend.ts'
import { isFinal, type Job } from '../../job/job.ts'
import { logNameOf } from '../../job/log-name.ts'
import { nameOfProgram } from '../../job/steps/step-states.ts'
import { jobKeys } from '../../result-format/job-keys.ts'
import { type ArtifactStore, isNotFound } from '../../store/store.ts'
import { invalid, Problem } from '../../util/errors.ts'
import { defined } from '../../util/objects.ts'
import { expiredProblem, jobOfRecord } from '../job-answer.ts'
import type { FinalRecord } from '../records/final-record.ts'
import type { Records } from '../records/records.ts'
import type { TrackedJob } from '../tracking/known-job.ts'
import type { Tracker } from '../tracking/tracker.ts'
import { translateStoreErrors } from '../translate-store-errors.ts'
import { tailOf } from './log-tail.ts'

export interface JobLogParts {
  backend: Pick<JobBackend, 'log' | 'earlierAttempts'>
  store: ArtifactStore
  records: Pick<Records, 'read'>
  tracker: Pick<Tracker, 'get' | 'onChange'>
}

/**
 * The log of a job's last attempt, or of an earlier one: from the backend until it is archived, then
 * from the store. Of a job with steps, without a step's name that of the last one that has started.
 * Rejects with Problem `invalid-request` for a step that the job does not have.
 */
export async function jobLog(parts: JobLogParts, uuid: string, given: ReadLogOptions): Promise<ContainerLog> {
  const { job, record: known } = await shownJob(parts, uuid)
  const step = stepOf(job, given)
  const options = { ...given, ...defined({ step }) }
  refuseReused(job, options)
  const { attempt } = options
  if (attempt !== undefined) {
    const last = job.attempt?.number ?? 0
    // Without an attempt to show, those before it may have left logs.
    if (last === 0 || attempt < last) return await earlierLog(parts, uuid, { ...options, attempt })
    if (attempt > last) throw noLog(uuid, options, attempt)
  }
  const tracked = parts.tracker.get(uuid)
  if (!tracked || tracked.assessment.deleted) return archivedLog(parts, uuid, options, known)
  const record = await recordWithLog(parts, tracked, options)
  if (record === undefined) {
    if (options.follow) await untilStarted(parts.tracker, uuid, options)
    const log = await parts.backend.log(uuid, options)
    if (log) return log
  }
  return archivedLog(parts, uuid, options, record)
}

/**
 * The record of a tracked job if it names the container's log, which is in the store then: the
 * record is written after the logs. The kubelet answers 200 with an error text, or with less,
 * while it removes a container.
 */
async function recordWithLog(
  { records }: JobLogParts,
  { live, answer }: TrackedJob,
  options: ReadLogOptions,
): Promise<FinalRecord | undefined> {
  if (!isFinal(answer.state)) return undefined
  try {
    const record = await records.read(live.uuid)
    return record?.logs[logNameOf(options)] && record
  } catch {
    return undefined
  }
}

async function archivedLog(
  parts: JobLogParts,
  uuid: string,
  options: ReadLogOptions,
  known?: FinalRecord,
): Promise<ContainerLog> {
  const { store, records, tracker } = parts
  const { attempt } = options
  const tracked = tracker.get(uuid)
  const record = known ?? (tracked ? undefined : await translateStoreErrors(() => records.read(uuid)))
  const recorded = record && jobOfRecord(record, Date.now())
  const job = tracked && !tracked.assessment.deleted ? tracked.answer : recorded
  if (!job) throw new Problem('not-found', `there is no job ${uuid}`)
  if (job.result.state === 'expired') throw expiredProblem(job)
  // The next attempt began after lastAttempt() was called.
  if (attempt !== undefined && attempt !== job.attempt?.number) {
    return await earlierLog(parts, uuid, { ...options, attempt })
  }
  if (!isFinal(job.state) && job.started_at === null) {
    throw new Problem(
      'not-started',
      `${programOf(options)} of job ${uuid} has not started, so it has no log yet`,
      {
        retryAfterSeconds: 2,
      },
    )
  }
  const none = noLog(uuid, options, attempt)
  if (!job.attempt) throw none
  const name = logNameOf(options)
  const stream = await storedLog(store, jobKeys.log(uuid, job.attempt.uid, name), options)
  if (stream === undefined) throw none
  return { stream, ...defined({ fromBeginning: record?.logs[name]?.from_beginning ?? undefined }) }
}

/** The job as callers see it. Rejects with Problem `not-found`, and `expired` without its results. */
async function shownJob(
  { tracker, records }: JobLogParts,
  uuid: string,
): Promise<{ job: Job; record?: FinalRecord }> {
  const tracked = tracker.get(uuid)
  if (tracked && !tracked.assessment.deleted) return { job: tracked.answer }
  const record = tracked ? undefined : await translateStoreErrors(() => records.read(uuid))
  const job = record && jobOfRecord(record, Date.now())
  if (!job) throw new Problem('not-found', `there is no job ${uuid}`)
  if (job.result.state === 'expired') throw expiredProblem(job)
  return { job, ...defined({ record }) }
}

function firstToRun(steps: Job['steps'] = []) {
  return steps.find(({ state }) => state !== 'reused')
}

/** Undefined for the uploader, and for a job without steps. */
function stepOf({ steps }: Job, { container, step }: ReadLogOptions): string | undefined {
  if (step === undefined) {
    if (container === 'uploader') return undefined
    return (steps?.findLast(({ started_at }) => started_at !== null) ?? firstToRun(steps))?.name
  }
  if (steps?.some(({ name }) => name === step)) return step
  const names = steps?.map(({ name }) => name).join(', ')
  throw invalid('step', 'is unknown', names === undefined ? 'no step: the job has none' : `one of ${names}`)
}

/** Throws a Problem `not-found` for a step that did not run in this job. */
function refuseReused({ job_uuid: uuid, rerun_of: other, steps = [] }: Job, { step }: ReadLogOptions): void {
  if (step === undefined || steps.find(({ name }) => name === step)?.state !== 'reused') return
  const detail = `${nameOfProgram(step)} did not run in job ${uuid}, which reused what it had left: its log is that of job ${other}, /job/${other}/log?step=${step}`
  throw new Problem('not-found', detail)
}

/**
 * From the store if it has the log: of a pod that is being removed, the kubelet gives an error text
 * or less. A log that was followed is in the attempt's folder until the job is archived.
 */
async function earlierLog(
  { backend, store, tracker }: JobLogParts,
  uuid: string,
  options: ReadLogOptions & { attempt: number },
): Promise<ContainerLog> {
  const { attempt } = options
  const name = logNameOf(options)
  const keys = [jobKeys.earlierLog(uuid, attempt, name)]
  const uid = backend.earlierAttempts(uuid).find(({ number }) => number === attempt)?.uid
  if (uid !== undefined) keys.push(jobKeys.log(uuid, uid, name))
  let failure: unknown
  for (const key of keys) {
    try {
      const stream = await storedLog(store, key, options)
      if (stream) return { stream }
    } catch (error) {
      failure = error
      break
    }
  }
  const live = tracker.get(uuid) && (await backend.log(uuid, options))
  if (live) return live
  throw failure ?? noLog(uuid, options, attempt)
}

/** Undefined if the store does not have it. */
async function storedLog(
  store: ArtifactStore,
  key: string,
  { tail, signal }: ReadLogOptions,
): Promise<Readable | undefined> {
  try {
    return await translateStoreErrors(() =>
      tail === undefined ? whole(store, key, signal) : tailOf(store, key, tail),
    )
  } catch (error) {
    if (error instanceof Problem && isNotFound(error.cause)) return undefined
    throw error
  }
}

function noLog(uuid: string, options: ReadLogOptions, attempt?: number): Problem {
  const of = attempt === undefined ? '' : `attempt ${attempt} of `
  return new Problem('not-found', `there is no log of ${programOf(options)} of ${of}job ${uuid}`)
}

function programOf({ container, step }: ReadLogOptions): string {
  return container === 'uploader' ? 'the uploader' : nameOfProgram(step)
}

async function whole(store: ArtifactStore, key: string, signal?: AbortSignal) {
  return (await store.get(key, defined({ signal }))).stream
}

async function untilStarted(
  tracker: Pick<Tracker, 'get' | 'onChange'>,
  uuid: string,
  { container, step, attempt: number, signal }: ReadLogOptions,
): Promise<void> {
  const started = () => {
    const tracked = tracker.get(uuid)
    if (!tracked || isFinal(tracked.answer.state)) return true
    const { attempt } = tracked.live.observation
    if (number !== undefined && attempt !== undefined && attempt.number > number) return true
    if (container === 'uploader') return attempt?.uploader.startedAt !== undefined
    // A step that is skipped never starts.
    if (attempt?.worker.finishedAt !== undefined) return true
    const steps = attempt?.steps
    const program = steps ? steps.find(({ name }) => name === step) : attempt?.worker
    return program?.startedAt !== undefined
  }
  while (!started() && !signal?.aborted) {
    await new Promise<void>((resolve) => {
      const done = () => {
        end()
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const end = tracker.onChange(uuid, done)
      signal?.addEventListener('abort', done)
    })
  }
}
