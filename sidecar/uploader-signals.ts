import type { Log } from '../src/util/log.ts'
import type { StateDirectory } from './state-directory.ts'

/**
 * The uploader's signals. All but `resumed` may come from the program before, through the state
 * directory.
 */
export interface Signals {
  /** SIGTERM: the worker has ended. */
  terminated: AbortController
  /** GET /stop: the worker is to end soon. */
  stopSeen: AbortController
  /** POST /end: the API has sent the stop object itself. */
  endRequested: AbortController
  /** The worker had ended when this program started. */
  resumed: boolean
}

export function signalsOf(state: StateDirectory, terminated: AbortController, log: Log): Signals {
  const resumed = state.terminatingSince !== undefined
  if (resumed) terminated.abort()
  else
    terminated.signal.addEventListener('abort', () => writeMark(() => state.markTerminating(), log), {
      once: true,
    })
  const stopSeen = new AbortController()
  if (state.stopSeenAt !== undefined) stopSeen.abort()
  const endRequested = new AbortController()
  if (state.end !== undefined) endRequested.abort()
  return { terminated, stopSeen, endRequested, resumed }
}

/**
 * Writes a mark for the next program; a full volume that takes none must not keep this one from
 * going on.
 */
export function writeMark(mark: () => void, log: Log): void {
  try {
    mark()
  } catch (error) {
    log.error({ error }, 'a file in the state directory could not be written')
  }
}
