import { messageOf } from '../../src/errors.ts'
import { checkpointRegularly } from '../pass/checkpointing.ts'
import { runPass } from '../pass/pass.ts'
import { pause } from '../pause.ts'
import { Halted } from '../store/store-calls.ts'
import { ensureWanted } from '../store/superseded.ts'
import type { StoringContext } from './store-results.ts'

const everyMs = 5000

/**
 * Time is short and the worker still runs: passes over its results, each followed by a checkpoint, one every 5 s,
 * until `terminated` is aborted. What is under way then is finished: it would have to be sent anyway. Never rejects.
 */
export async function checkpointUntil(context: StoringContext, terminated: AbortSignal): Promise<void> {
  while (!terminated.aborted) {
    const begun = Date.now()
    await checkpointOnce(context, terminated).catch((error: unknown) => {
      if (!(error instanceof Halted)) context.log.error({ message: messageOf(error), error }, 'no checkpoint')
    })
    await pause(begun + everyMs - Date.now(), terminated)
  }
}

async function checkpointOnce(context: StoringContext, terminated: AbortSignal): Promise<void> {
  await ensureWanted(context, context.calls)
  const superseded = new AbortController()
  let endCheckpoints: () => Promise<void> = async () => undefined
  try {
    const { ledger, complete } = await runPass(context, {
      final: false,
      ...(context.early && { sending: context.early.takingOver() }),
      enough: AbortSignal.any([terminated, superseded.signal]),
      onBegin: (begun) => {
        context.current.ledger = begun
        endCheckpoints = checkpointRegularly(begun, everyMs, context, () => superseded.abort())
      },
    })
    await endCheckpoints()
    await ledger.checkpoint(context.calls)
    if (complete) context.journals.adopt()
  } finally {
    await endCheckpoints()
  }
}
