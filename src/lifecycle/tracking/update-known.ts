import type { LiveJob } from '../../job/backend.ts'
import type { Cause } from '../../job/job.ts'
import { deletionPhase, withoutWaiting } from '../../job/state/deletion.ts'
import { withCondition } from '../../job/state/output-condition.ts'
import { type Assessment, assess } from '../../job/state/state.ts'
import { jobOfLive } from '../job-answer.ts'
import { isFinished, isOver, type KnownJob } from './known-job.ts'
import type { Situation } from './plan.ts'

/**
 * What is known of a job once its backend shows it as `found`. A final state is final, whatever
 * happens to the Job afterwards; only its removal still counts.
 */
export function updateKnown(
  before: KnownJob | undefined,
  found: LiveJob,
  { now, isLeader }: Situation,
): KnownJob {
  const phase = deletionPhase(found.observation, found.request, now)?.phase
  const tooLong = phase === 'settle' || phase === 'let-go'
  const live = tooLong ? { ...found, observation: withoutWaiting(found.observation) } : found
  const attempt = attemptOf(before, live)
  const stored = before?.stored?.attempt === attempt ? before?.stored : undefined
  const { retries, outputs } = live.request
  const seen = withCondition(assess(live.observation, stored?.results, retries), outputs)
  const assessment =
    before && isOver(before)
      ? { ...before.assessment, deleted: seen.deleted }
      : withStoreTrouble(seen, before?.storeTrouble)
  const mustLetGo = isLeader && phase === 'let-go' && !(before && isFinished(before))
  return {
    live,
    assessment,
    answer:
      before && isOver(before)
        ? before.answer
        : jobOfLive(live, assessment, attempt, stored?.results, before?.answer.phase),
    attempt,
    overdue: tooLong && found.observation.attempt?.ended === false,
    stored,
    storeTrouble: before?.storeTrouble,
    storing: assessment.awaitsManifest ? (before?.storing ?? { since: now }) : undefined,
    overdueSince: before?.overdueSince ?? (mustLetGo ? now : undefined),
    awaited: live.observation.waiting && (before?.awaited ?? { changes: 0, seen: 0 }),
    followedLog: before?.followedLog,
    gone: false,
    progress: before?.progress ?? {},
  }
}

/** Once a job is over its own attempt counts: the backend's later ones don't. */
function attemptOf(before: KnownJob | undefined, { observation }: LiveJob): string | undefined {
  if (before && isOver(before)) return before.attempt
  return observation.attempt?.uid ?? observation.stop?.attempt ?? before?.attempt
}

/** An assessment that waits for a manifest says why the store doesn't answer. */
function withStoreTrouble(assessment: Assessment, trouble: Cause | undefined): Assessment {
  const { cause, note, awaitsManifest } = assessment
  if (trouble === undefined || !awaitsManifest || cause?.reason === trouble.reason) return assessment
  const message = [cause?.message ?? note, trouble.message].filter((part) => part !== undefined).join('; ')
  return { ...assessment, cause: { reason: cause?.reason ?? trouble.reason, message } }
}
