import type { Leadership } from '../../job/leadership.ts'
import { messageOf } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import type { StoredGrants } from './stored-grants.ts'

const intervalMilliseconds = 3_600_000

/** Removes ended grants every hour while this process leads; returns the function that stops it. */
export function sweepGrants(
  grants: Pick<StoredGrants, 'sweep'>,
  leadership: Pick<Leadership, 'isLeader'>,
  log: Log,
): () => void {
  const timer = setInterval(() => {
    if (!leadership.isLeader()) return
    grants.sweep(Date.now()).catch((error: unknown) => {
      log.warn({ error: messageOf(error) }, 'expired grants could not be removed; the next sweep tries again')
    })
  }, intervalMilliseconds)
  timer.unref()
  return () => clearInterval(timer)
}
