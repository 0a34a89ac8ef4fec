import type { Log } from '../../src/util/log.ts'
import type { StoreCalls } from '../store/store-calls.ts'
import { checkpointRegularly } from './checkpointing.ts'
import type { Ledger } from './ledger.ts'
import { type PassContext, type PassOptions, runPass } from './pass.ts'

export interface CheckpointedPassOptions extends PassOptions {
  everyMs: number
  /**
   * Called as soon as nothing more of the attempt is wanted in the store; the pass rejects with
   * Superseded.
   */
  onSuperseded: () => void
  /** Of the checkpoints; default: the context's. */
  checkpointCalls?: StoreCalls
}

/** A pass with checkpoints while it runs. When it settles, none is being written. */
export async function runCheckpointedPass(
  context: PassContext & { log: Log },
  { everyMs, onSuperseded, checkpointCalls = context.calls, onBegin, ...options }: CheckpointedPassOptions,
): Promise<{ ledger: Ledger; complete: boolean }> {
  let endCheckpoints: () => Promise<void> = async () => undefined
  try {
    return await runPass(context, {
      ...options,
      onBegin: (ledger) => {
        onBegin?.(ledger)
        const parts = { ...context, calls: checkpointCalls }
        endCheckpoints = checkpointRegularly(ledger, everyMs, parts, onSuperseded)
      },
    })
  } finally {
    await endCheckpoints()
  }
}
