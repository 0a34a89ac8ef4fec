import { messageOf } from '../../src/errors.ts'
import type { Log } from '../../src/log.ts'
import { pause } from '../pause.ts'
import type { OpenUploads } from '../store/open-uploads.ts'
import { Halted, type StoreCalls } from '../store/store-calls.ts'
import { Superseded } from '../store/superseded.ts'
import type { Ledger } from './ledger.ts'

/** So that many uploads opened one after the other don't mean a checkpoint each. */
const leastPauseMs = 1000

/**
 * Writes checkpoints of a pass under way: one every `everyMs`, and one as soon as an upload in parts is opened, so
 * that others can drop it. The function that it returns ends that and resolves when none is being written. Where
 * nothing more is wanted in the store, it rejects with Superseded; `onSuperseded` is called as soon as that is known.
 */
export function checkpointRegularly(
  ledger: Ledger,
  everyMs: number,
  { calls, uploads, log }: { calls: StoreCalls; uploads: OpenUploads; log: Log },
  onSuperseded: () => void,
): () => Promise<void> {
  const ended = new AbortController()
  let opened = new AbortController()
  uploads.onOpened(() => opened.abort())

  const write = async () => {
    for (;;) {
      await pause(everyMs, ended.signal, opened.signal)
      if (ended.signal.aborted) return
      opened = new AbortController()
      try {
        await ledger.checkpoint(calls)
      } catch (error) {
        if (error instanceof Halted) return
        if (error instanceof Superseded) {
          onSuperseded()
          throw error
        }
        log.error({ message: messageOf(error), error }, 'checkpoint not written')
      }
      await pause(leastPauseMs, ended.signal)
    }
  }
  const writing = write()
  writing.catch(() => {})
  return () => {
    ended.abort()
    return writing
  }
}
