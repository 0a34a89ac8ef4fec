import type { Log } from '../src/log.ts'
import type { StateDirectory } from './state-directory.ts'

/** What the uploader is told while it runs; all but `resumed` also by a program before it. */
export interface Signals {
  terminated: AbortController
  stopSeen: AbortController
  told: AbortController
  /** The worker had ended when this program started. */
  resumed: boolean
}

export function signalsOf(state: StateDirectory, terminated: AbortController, log: Log): Signals {
  const resumed = state.terminatingSince !== undefined
  if (resumed) terminated.abort()
  else
    terminated.signal.addEventListener('abort', () => marked(() => state.markTerminating(), log), {
      once: true,
    })
  const stopSeen = new AbortController()
  if (state.stopSeenAt !== undefined) stopSeen.abort()
  const told = new AbortController()
  if (state.end !== undefined) told.abort()
  return { terminated, stopSeen, told, resumed }
}

/** What was heard counts, though a full volume takes no mark of it for the program after this one. */
export function marked(mark: () => void, log: Log): void {
  try {
    mark()
  } catch (error) {
    log.error({ error }, 'a mark could not be written')
  }
}
