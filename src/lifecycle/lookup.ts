import { StoreError } from '../artifact/store.ts'
import { messageOf } from '../errors.ts'
import { manifestLookupDelay } from '../job/due.ts'
import type { Cause } from '../job/job.ts'
import type { Assessment } from '../job/state.ts'
import { lookUpManifest } from './stored.ts'
import { failureDelay, isEnded, type Tracked, type Tracking } from './tracked.ts'

/** Has the store asked for the job's manifest, in `delay` milliseconds and then until its state is decided. */
export function planLookup(tracking: Tracking, tracked: Tracked, delay = 0): void {
  const { queue } = tracking
  const key = lookupKey(tracked.live.uuid)
  if (tracked.busy.has('lookup') || (delay === 0 && queue.has(key) && !isEnded(tracked.live))) return
  queue.set(key, Date.now() + delay, () => {
    tracked.working = lookUp(tracking, tracked)
    return tracked.working
  })
}

export function lookupKey(uuid: string): string {
  return `lookup ${uuid}`
}

async function lookUp(tracking: Tracking, tracked: Tracked): Promise<void> {
  const { slots, isCurrent, evaluate } = tracking
  const { uuid } = tracked.live
  let asked: Asked | undefined
  tracked.busy.add('lookup')
  const leave = await slots.look.take(isEnded(tracked.live) ? 'settle' : 'ask')
  try {
    if (isCurrent(tracked) && isAwaited(tracked)) asked = await askStore(tracking, tracked)
  } finally {
    leave()
    tracked.busy.delete('lookup')
  }
  if (!isCurrent(tracked)) return
  evaluate(uuid)
  if (asked === undefined) return
  let { retryIn } = asked
  if (asked.answered && asked.uploaderEnded && (await askForRescue(tracking, tracked))) {
    retryIn = rescueMilliseconds
    // Whatever came due meanwhile was held back.
    evaluate(uuid)
  }
  // Ended meanwhile: what is absent now counts, at once.
  if (isCurrent(tracked) && isAwaited(tracked)) {
    planLookup(tracking, tracked, isEnded(tracked.live) && !asked.ended ? 0 : Math.max(1, retryIn))
  }
}

interface Asked {
  /** The store had an answer, and about the attempt that counts still. */
  answered: boolean
  /** Nothing of the attempt, or its uploader at least, ran when the store was asked. */
  ended: boolean
  uploaderEnded: boolean
  /** Milliseconds. */
  retryIn: number
}

async function askStore({ store, backend, log }: Tracking, tracked: Tracked): Promise<Asked> {
  const { uuid } = tracked.live
  const ended = isEnded(tracked.live)
  const uploaderEnded = tracked.live.observation.attempt?.ended === true
  const asked = tracked.attempt
  let retryIn = manifestLookupDelay(Date.now() - (tracked.storingSince ?? Date.now()))
  let answered = false
  try {
    const settles = ended && backend.holdsLease()
    const found = await lookUpManifest(store, uuid, asked, settles, ({ message }) =>
      log.error({ job: uuid, error: message }, 'a damaged part of a result is left out'),
    )
    tracked.failures = 0
    tracked.storeTrouble = undefined
    // Another attempt may have begun while the store was asked about this one.
    answered = tracked.attempt === asked
    if (answered) {
      if (found.attempt !== undefined) tracked.attempt = found.attempt
      if (found.stored !== undefined) {
        tracked.stored = found.stored
        tracked.storedFor = tracked.attempt
      }
    }
  } catch (error) {
    retryIn = Math.max(retryIn, failureDelay(tracked.failures++))
    // One alone is nothing to tell callers.
    if (tracked.failures > 1) tracked.storeTrouble = storeTrouble(error)
    log.warn({ job: uuid, error: messageOf(error) }, 'the store was asked for a manifest in vain')
  }
  return { answered, ended, uploaderEnded, retryIn }
}

function isAwaited({ assessment }: Tracked): boolean {
  return assessment.awaitsManifest && !assessment.deleted
}

/** An assessment that waits for a manifest, where the store doesn't answer this process either. */
export function withStoreTrouble(assessment: Assessment, trouble: Cause | undefined): Assessment {
  const { cause, note, awaitsManifest } = assessment
  if (trouble === undefined || !awaitsManifest || cause?.reason === trouble.reason) return assessment
  const message = [cause?.message ?? note, trouble.message].filter((part) => part !== undefined).join('; ')
  return { ...assessment, cause: { reason: cause?.reason ?? trouble.reason, message } }
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

/** A rescue that was asked for shows after some time, a second at most by the watch. */
const rescueMilliseconds = 1000

/** The uploader had ended, and then the store had no manifest of it: resolves with whether a rescue was asked for. */
async function askForRescue(tracking: Tracking, tracked: Tracked): Promise<boolean> {
  const { backend, queue, isCurrent, log } = tracking
  const { uuid, observation } = tracked.live
  const isNeeded = tracked.assessment.awaitsManifest && observation.rescue?.state === 'possible'
  if (!isNeeded || !isCurrent(tracked) || !backend.holdsLease()) return false
  // Else the look at the job before this had the next lookup begin, and ask too, while this one is under way.
  tracked.busy.add('lookup')
  queue.delete(lookupKey(uuid))
  try {
    await backend.rescue?.(uuid)
  } catch (error) {
    log.warn({ job: uuid, error: messageOf(error) }, 'a rescue could not be started and is tried again')
  } finally {
    tracked.busy.delete('lookup')
  }
  return true
}
