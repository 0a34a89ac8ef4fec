import { Problem } from '../errors.ts'
import type { LiveJob } from '../job/backend.ts'
import type { Job } from '../job/job.ts'
import type { Assessment } from '../job/state.ts'
import { isExpired } from './janitor/schedule.ts'
import type { ListedRecord } from './records.ts'

/** A live job as callers see it; `attemptUid` where only the store knows the attempt any more. */
export function jobAnswer(live: LiveJob, assessment: Assessment, attemptUid: string | undefined): Job {
  const { attempt, createdAt } = live.observation
  const uid = attempt?.uid ?? attemptUid
  return {
    job_uuid: live.uuid,
    job: live.request.job ?? null,
    state: assessment.state,
    reason: assessment.cause?.reason ?? null,
    message: assessment.cause?.message ?? assessment.note ?? null,
    exit_code: attempt?.worker.exitCode ?? null,
    attempt: uid === undefined ? null : { number: attempt?.number ?? numberOf(live, uid), uid },
    created_at: new Date(createdAt).toISOString(),
    started_at: time(attempt?.worker.startedAt),
    finished_at: time(attempt?.worker.finishedAt),
    result: assessment.result,
  }
}

/** A job as its record has it; a result past its time counts as gone, whether or not it is removed yet. */
export function recordedAnswer(record: ListedRecord, now: number): Job {
  const { job, expires_at } = record
  if (expires_at === undefined || job.result.state === 'missing') return job
  const state = isExpired(record, now) ? 'expired' : job.result.state
  return { ...job, result: { ...job.result, state, expires_at } }
}

export function expired({ job_uuid: uuid, result: { expires_at: at } }: Job): Problem {
  return new Problem(
    'expired',
    `what job ${uuid} left was kept until ${at} and is removed (\`result_keep_seconds\`)`,
  )
}

/** Of an attempt whose pod is gone. */
function numberOf({ observation: { disruptions = [], failedAttempts } }: LiveJob, uid: string): number {
  const disrupted = disruptions.find(({ attempt }) => attempt === uid)
  return disrupted?.number ?? Math.max(1, failedAttempts + disruptions.length)
}

function time(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : new Date(milliseconds).toISOString()
}
