import { messageOf } from '../../errors.ts'
import type { JobBackend } from '../../job/backend.ts'
import type { Log } from '../../log.ts'
import type { StoredGrants } from './stored-grants.ts'

const intervalMilliseconds = 3_600_000

/** Has grants that ended removed every hour, where the Lease is held; the call that it gives ends that. */
export function sweepGrants(
  grants: Pick<StoredGrants, 'sweep'>,
  backend: Pick<JobBackend, 'holdsLease'>,
  log: Log,
): () => void {
  const timer = setInterval(() => {
    if (!backend.holdsLease()) return
    grants.sweep(Date.now()).catch((error: unknown) => {
      log.warn({ error: messageOf(error) }, 'grants that ended stay until the next sweep')
    })
  }, intervalMilliseconds)
  timer.unref()
  return () => clearInterval(timer)
}
