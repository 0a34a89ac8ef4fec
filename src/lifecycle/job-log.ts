import { layout } from '../artifact/layout.ts'
import { type ArtifactStore, isNotFound } from '../artifact/store.ts'
import { Problem } from '../errors.ts'
import type { ContainerLog, JobBackend, LogOptions } from '../job/backend.ts'
import { isFinal } from '../job/job.ts'
import { expired, recordedAnswer } from './job-answer.ts'
import { tailOf } from './log-tail.ts'
import type { Records } from './records.ts'
import { guarded } from './store-guard.ts'
import type { Tracker } from './tracker.ts'

export interface JobLogParts {
  backend: JobBackend
  store: ArtifactStore
  records: Records
  tracker: Tracker
}

/** The log of a job's last attempt: from the backend while the job is live, else as it was archived. */
export async function jobLog(parts: JobLogParts, uuid: string, options: LogOptions): Promise<ContainerLog> {
  const tracked = parts.tracker.get(uuid)
  if (tracked && !tracked.assessment.deleted) {
    if (options.follow) await untilStarted(parts.tracker, uuid, options)
    const log = await parts.backend.log(uuid, options)
    if (log) return log
  }
  return archivedLog(parts, uuid, options)
}

async function archivedLog(
  { store, records, tracker }: JobLogParts,
  uuid: string,
  { container, tail, signal }: LogOptions,
): Promise<ContainerLog> {
  const tracked = tracker.get(uuid)
  const record = tracked ? undefined : await guarded(() => records.read(uuid))
  const recorded = record && recordedAnswer(record, Date.now())
  const job = tracked && !tracked.assessment.deleted ? tracked.answer : recorded
  if (!job) throw new Problem('not-found', `there is no job ${uuid}`)
  if (job.result.state === 'expired') throw expired(job)
  if (!isFinal(job.state) && job.started_at === null) {
    throw new Problem(
      'not-started',
      `the ${container} of job ${uuid} has not started, so it has no log yet`,
      {
        retryAfterSeconds: 2,
      },
    )
  }
  const none = new Problem('not-found', `there is no log of the ${container} of job ${uuid}`)
  if (!job.attempt) throw none
  const key = layout.log(uuid, job.attempt.uid, container)
  try {
    const fromBeginning = record?.logs[container]?.from_beginning ?? undefined
    const stream = await guarded(() =>
      tail === undefined ? whole(store, key, signal) : tailOf(store, key, tail),
    )
    return fromBeginning === undefined ? { stream } : { stream, fromBeginning }
  } catch (error) {
    if (error instanceof Problem && isNotFound(error.cause)) throw none
    throw error
  }
}

async function whole(store: ArtifactStore, key: string, signal?: AbortSignal) {
  return (await store.get(key, signal ? { signal } : {})).stream
}

async function untilStarted(
  tracker: Tracker,
  uuid: string,
  { container, signal }: LogOptions,
): Promise<void> {
  const started = () => {
    const tracked = tracker.get(uuid)
    if (!tracked || isFinal(tracked.answer.state)) return true
    const { attempt } = tracked.live.observation
    return (container === 'worker' ? attempt?.worker : attempt?.uploader)?.startedAt !== undefined
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
