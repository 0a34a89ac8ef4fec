import type { Tally } from '../../src/result-format/tally.ts'
import { isDiskFull } from '../../src/util/error-code.ts'
import { messageOf } from '../../src/util/errors.ts'
import { defined } from '../../src/util/objects.ts'
import { runCheckpointedPass } from '../pass/checkpointed-pass.ts'
import { pause } from '../pause.ts'
import type { ResultsContext } from '../results-context.ts'
import { makeListable, UnusableDirectory } from '../scan/open-tree.ts'
import { Halted } from '../store/store-calls.ts'
import { ensureNotSuperseded, Superseded } from '../store/superseded.ts'

export interface CommitOptions {
  checkpointEveryMs: number
  /** Another pass follows: a checkpoint has the same as the manifest, so that its changes show. */
  again?: boolean
  /** Nothing is written, and the tally is that of the scan, if nothing has changed since. */
  onlyChanges?: boolean
}

/** What was committed, or would have been with changes. */
export interface Committed {
  tally: Tally
  changes: number
}

/**
 * Runs passes until one is complete and its manifest is written. Rejects with Halted, Superseded
 * and UnusableDirectory only.
 */
export async function commitResults(context: ResultsContext, options: CommitOptions): Promise<Committed> {
  const { calls, log, current } = context
  let logged: string | undefined
  let isMadeListable = false
  for (;;) {
    try {
      return await commitOnce(context, options)
    } catch (error) {
      if (error instanceof Superseded) throw error
      if (error instanceof UnusableDirectory) {
        if (isMadeListable || !makeListable(context.resultDirectory)) throw error
        isMadeListable = true
        log.warn({ message: error.message }, 'the result directory is made readable')
        continue
      }
      if (error instanceof Halted || calls.halted.aborted) throw new Halted('storing')
      current.obstacle = isDiskFull(error)
        ? { reason: 'StorageFull', message: `the uploader's own volume is full (${messageOf(error)})` }
        : { reason: 'Error', message: messageOf(error) }
      // The same error may come back for hours; the reporter repeats it.
      if (current.obstacle.message !== logged)
        log.error({ ...current.obstacle, error }, 'storing the results failed and begins again')
      logged = current.obstacle.message
      await pause(1000, calls.halted)
    }
  }
}

async function commitOnce(
  context: ResultsContext,
  { checkpointEveryMs, again = false, onlyChanges = false }: CommitOptions,
): Promise<Committed> {
  await ensureNotSuperseded(context, context.calls)
  // Beside the pass, which may never be complete. An error comes again after it.
  const taking = context.words?.take(context.calls).catch(() => false)
  const passing = runCheckpointedPass(context, {
    final: true,
    everyMs: checkpointEveryMs,
    // A full store would otherwise hold requests for files that nobody wants for hours.
    onSuperseded: () => void context.calls.halt(0),
    stopSignal: context.calls.halted,
    ...defined({ uploads: context.live?.successor() }),
    onBegin: (begun) => {
      context.current.ledger = begun
      delete context.current.obstacle
    },
  })
  await Promise.allSettled([passing, taking])
  const { ledger, complete } = await passing
  if (!complete) throw new Halted('storing')
  // An upload of a file that was removed since may still be in flight.
  await context.live?.halt(0)
  const hasNewWord = [await taking, await context.words?.take(context.calls)].includes(true)
  const committed = { tally: ledger.tally, changes: ledger.changes + (hasNewWord ? 1 : 0) }
  if (!onlyChanges || committed.changes > 0) {
    await ledger.commit(context.calls)
    if (again) await ledger.checkpoint(context.calls)
  }
  if (again) context.journals.adopt()
  return committed
}
