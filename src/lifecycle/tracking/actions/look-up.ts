import type { Cause } from '../../../job/job.ts'
import { StoreError } from '../../../store/store.ts'
import { messageOf } from '../../../util/errors.ts'
import { isAwaited, isEnded, type KnownJob, type Lookup, progressOf } from '../known-job.ts'
import { failureDelay, manifestLookupDelay } from '../retry-delays.ts'
import { type ActionOutcome, type ActionParts, again, type RunningJob } from './action-parts.ts'
import { lookUpManifest } from './stored-result.ts'

/** A rescue that was asked for shows after a second at most, by the watch. */
const rescueMilliseconds = 1000

/**
 * Asks the store for the manifest of a job that is storing. Its failures are part of what it
 * learned.
 */
export async function lookUp(parts: ActionParts, job: RunningJob): Promise<ActionOutcome> {
  const leave = await parts.limits.lookUp.acquire(isEnded(job.known.live) ? 'settle' : 'ask')
  try {
    return job.isCurrent && isAwaited(job.known) ? await askStore(parts, job.known) : again()
  } finally {
    leave()
  }
}

async function askStore(
  { store, leadership, clock, log }: ActionParts,
  asked: KnownJob,
): Promise<ActionOutcome> {
  const { uuid, observation } = asked.live
  const ended = isEnded(asked.live)
  const lookup = {
    attempt: asked.attempt,
    answered: true,
    ended,
    uploaderEnded: observation.attempt?.ended === true,
    settles: ended && leadership.isLeader(),
  }
  const delay = manifestLookupDelay(clock.now() - (asked.storing?.since ?? clock.now()))
  try {
    const found = await lookUpManifest(store, uuid, asked.attempt, lookup.settles, ({ message }) =>
      log.error({ job: uuid, error: message }, 'a damaged part of a result is left out'),
    )
    const nextAt = clock.now() + delay
    return again(0, (known) => {
      // Another attempt may have begun while the store was asked about this one.
      const isOfAttempt = known.attempt === asked.attempt
      const attempt = isOfAttempt ? (found.attempt ?? known.attempt) : known.attempt
      return {
        storeTrouble: undefined,
        attempt,
        ...(isOfAttempt && found.stored !== undefined && { stored: { attempt, results: found.stored } }),
        ...withLookup(known, { ...lookup, nextAt, ...(isOfAttempt && { attempt }) }),
      }
    })
  } catch (error) {
    log.warn(
      { job: uuid, error: messageOf(error) },
      "asking the store for a job's manifest failed and is repeated",
    )
    const { failures } = progressOf(asked, 'look-up')
    const nextAt = clock.now() + Math.max(delay, failureDelay(failures))
    // One failure alone is no news for callers.
    const trouble = failures > 0 ? { storeTrouble: storeTrouble(error) } : {}
    return {
      ...again(0, (known) => ({ ...trouble, ...withLookup(known, { ...lookup, answered: false, nextAt }) })),
      failed: true,
    }
  }
}

/** Asks for a rescue; the store is looked at again whether or not the backend could start one. */
export async function askForRescue(
  { backend, clock, log }: ActionParts,
  job: RunningJob,
): Promise<ActionOutcome> {
  const { uuid } = job.known.live
  try {
    await backend.rescue?.(uuid)
  } catch (error) {
    log.warn({ job: uuid, error: messageOf(error) }, 'starting a rescue failed and is repeated')
  }
  const nextAt = clock.now() + rescueMilliseconds
  return again(0, (known) => {
    const last = known.storing?.lastLookup
    return last ? withLookup(known, { ...last, answered: false, nextAt }) : {}
  })
}

function withLookup({ storing }: KnownJob, lastLookup: Lookup): Partial<KnownJob> {
  return storing ? { storing: { ...storing, lastLookup } } : {}
}

function storeTrouble(error: unknown): Cause {
  const said = messageOf(error)
  if (error instanceof StoreError && error.kind === 'full') {
    const message = `the store is full, so that the API can't settle the results; it tries again until there is room: ${said}`
    return { reason: 'StorageFull', message }
  }
  const message = `the API can't ask the store for the results and tries again: ${said}`
  return { reason: 'StoreUnavailable', message }
}
