import { pause } from '../pause.ts'
import type { ResultsContext } from '../results-context.ts'
import { Halted } from '../store/store-calls.ts'
import { type Committed, commitResults } from './commit-results.ts'

/** The step may be killed with its pod at any moment: most of it should be in the store by then. */
const checkpointEveryMs = 2000
const quietMs = 2000
const restMs = 500

/**
 * Commits the results, then again after each change, until nothing has changed for 2 s. A step that
 * still runs is not seen otherwise: it has no preStop hook, and Kubernetes reports its end only with
 * the pod's. Each manifest replaces the one before, so that a kill loses the newest changes alone.
 * Rejects as commitResults(); a halt after the first manifest ends it early.
 */
export async function commitUntilQuiet(context: ResultsContext): Promise<Committed> {
  const { halted } = context.calls
  let committed = await commitResults(context, { checkpointEveryMs, again: true })
  for (let changedAt = Date.now(); Date.now() < changedAt + quietMs; ) {
    await pause(restMs, halted)
    try {
      if (halted.aborted) return committed
      committed = await commitResults(context, { checkpointEveryMs, again: true, onlyChanges: true })
    } catch (error) {
      if (error instanceof Halted) return committed
      throw error
    }
    if (committed.changes > 0) changedAt = Date.now()
  }
  return committed
}
