import { messageOf } from '../../src/util/errors.ts'
import { defined } from '../../src/util/objects.ts'
import { runCheckpointedPass } from '../pass/checkpointed-pass.ts'
import { pause } from '../pause.ts'
import type { ResultsContext } from '../results-context.ts'
import { Halted } from '../store/store-calls.ts'
import { ensureNotSuperseded } from '../store/superseded.ts'

const everyMs = 5000

/**
 * Time is short and the worker still runs: one pass over its results every 5 s, each followed by a
 * checkpoint, until `terminated` is aborted. Uploads in flight are finished then: the last pass
 * would need them anyway. Never rejects.
 */
export async function checkpointUntil(context: ResultsContext, terminated: AbortSignal): Promise<void> {
  while (!terminated.aborted) {
    const begun = Date.now()
    await checkpointOnce(context, terminated).catch((error: unknown) => {
      if (!(error instanceof Halted))
        context.log.error(
          { message: messageOf(error), error },
          'the checkpoint could not be written; it is tried again',
        )
    })
    await pause(begun + everyMs - Date.now(), terminated)
  }
}

async function checkpointOnce(context: ResultsContext, terminated: AbortSignal): Promise<void> {
  await ensureNotSuperseded(context, context.calls)
  const superseded = new AbortController()
  const { ledger, complete } = await runCheckpointedPass(context, {
    everyMs,
    onSuperseded: () => superseded.abort(),
    final: false,
    stopSignal: AbortSignal.any([terminated, superseded.signal]),
    ...defined({ uploads: context.live?.successor() }),
    onBegin: (begun) => {
      context.current.ledger = begun
    },
  })
  await ledger.checkpoint(context.calls)
  if (complete) context.journals.adopt()
}
