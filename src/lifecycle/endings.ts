import { within } from '../artifact/timers.ts'
import { messageOf } from '../errors.ts'
import type { Job } from '../job/job.ts'
import { isFinal } from '../job/job.ts'
import { failureDelay, type Tracked, type Tracking } from './tracked.ts'

/** Who is told only once a request of theirs is answered, which may take a minute, holds nobody else up for longer. */
export const turnMilliseconds = 3000

/** Tells who waits for a job that it has ended; a rejection has it called again. */
export type TellEnd = (job: Job) => Promise<void>

/**
 * Tells a job's end at once, beside archiving, and again until that succeeds. Resolves with whether it is told;
 * a job isn't let go before.
 */
export function tellEnd(tracking: Tracking, tracked: Tracked, tell: TellEnd): Promise<boolean> {
  const { uuid } = tracked.live
  tracked.telling ??= tellInTurn(tracking, tracked, tell).then(
    () => true,
    (error: unknown) => {
      tracked.telling = undefined
      tracking.log.warn({ job: uuid, error: messageOf(error) }, "a job's end could not be told to all")
      const at = Date.now() + failureDelay(tracked.untold++)
      if (tracking.isCurrent(tracked)) tracking.queue.set(endKey(uuid), at, () => tracking.evaluate(uuid))
      return false
    },
  )
  return tracked.telling
}

async function tellInTurn({ slots }: Tracking, tracked: Tracked, tell: TellEnd): Promise<void> {
  const leave = await slots.tell.take()
  const telling = tell(asItEnded(tracked))
  try {
    await within(turnMilliseconds, telling)
  } finally {
    leave()
  }
  await telling
}

export function endKey(uuid: string): string {
  return `end ${uuid}`
}

/** One that is deleted while it runs has been canceled, for whoever waits. */
function asItEnded({ answer, assessment }: Tracked): Job {
  if (!assessment.deleted || isFinal(answer.state)) return answer
  return {
    ...answer,
    state: 'canceled',
    reason: 'Canceled',
    message: 'the job was deleted',
    result: { state: 'missing', count: 0, bytes: 0 },
  }
}
