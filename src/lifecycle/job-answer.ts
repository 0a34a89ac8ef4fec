import type { LiveJob } from '../job/backend.ts'
import { isFinal, type Job, type Phase } from '../job/job.ts'
import { livePhase } from '../job/phase.ts'
import type { Stored } from '../job/state/observation.ts'
import type { Assessment } from '../job/state/state.ts'
import { reusedSteps } from '../job/steps/restart.ts'
import { stepAnswers } from '../job/steps/step-states.ts'
import { wordAnswer } from '../job/word/word-answer.ts'
import { Problem } from '../util/errors.ts'
import { defined } from '../util/objects.ts'
import { type ListedRecord, namesOf } from './records/final-record.ts'
import { isExpired } from './records/retention.ts'

/**
 * A live job as callers see it; `attemptUid` is the attempt's if its pod is gone and only the store
 * names it. `phaseBefore` is the phase that the job was last shown in.
 */
export function jobOfLive(
  live: LiveJob,
  assessment: Assessment,
  attemptUid: string | undefined,
  stored: Stored | undefined,
  phaseBefore?: Phase,
): Job {
  const { attempt, createdAt } = live.observation
  const uid = attempt?.uid ?? attemptUid
  const head = stored === undefined || stored === 'none' ? undefined : stored
  const inputs = head?.inputs
  // The manifest has the worker's last word; a log may have been read before that.
  const word = head?.word ?? live.observation.heard?.word
  const names = live.request.steps?.map(({ name }) => name)
  const over = isFinal(assessment.state)
  const reused = reusedSteps(live.request.steps, live.restart)
  return {
    job_uuid: live.uuid,
    job: live.request.job ?? null,
    ...namesOf(live.request),
    phase: livePhase(assessment.state, live.observation, phaseBefore),
    state: assessment.state,
    reason: assessment.cause?.reason ?? null,
    message: assessment.cause?.message ?? remarks(assessment.note, word?.problem),
    exit_code: attempt?.worker.exitCode ?? null,
    attempt: uid === undefined ? null : { number: attempt?.number ?? numberOf(live, uid), uid },
    created_at: new Date(createdAt).toISOString(),
    started_at: time(attempt?.worker.startedAt),
    finished_at: time(attempt?.worker.finishedAt),
    ...(names !== undefined && {
      steps: stepAnswers(names, attempt, { over, ran: uid !== undefined, reused }),
    }),
    ...wordAnswer(word),
    result: assessment.result,
    ...defined({ inputs, delivers_to: live.request.outputs?.deliver?.map(({ to }) => to) }),
    ...defined({ rerun_of: live.rerunOf }),
    ...(live.restart && { restarted_from: live.restart.from ?? null }),
    ...defined({ made_by: live.madeBy }),
  }
}

/**
 * A finished job as callers see it; a result past its time counts as expired before the janitor
 * removes it.
 */
export function jobOfRecord(record: ListedRecord, now: number): Job {
  const { job, expires_at } = record
  if (expires_at === undefined || job.result.state === 'missing') return job
  const state = isExpired(record, now) ? 'expired' : job.result.state
  return { ...job, result: { ...job.result, state, expires_at } }
}

export function expiredProblem({ job_uuid: uuid, result: { expires_at: at } }: Job): Problem {
  return new Problem(
    'expired',
    `the results of job ${uuid} were kept until ${at} and are removed (\`result_keep_seconds\`)`,
  )
}

function remarks(...parts: (string | undefined)[]): string | null {
  return parts.filter((part) => part !== undefined).join('. ') || null
}

/** The number of an attempt whose pod is gone. */
function numberOf({ observation: { disruptions = [], failedAttempts } }: LiveJob, uid: string): number {
  const disrupted = disruptions.find(({ attempt }) => attempt === uid)
  return disrupted?.number ?? Math.max(1, failedAttempts + disruptions.length)
}

function time(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : new Date(milliseconds).toISOString()
}
