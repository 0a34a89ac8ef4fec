import { messageOf } from '../../src/util/errors.ts'
import type { Log } from '../../src/util/log.ts'
import { pause } from '../pause.ts'
import { Halted, type StoreCalls } from '../store/store-calls.ts'
import { Superseded } from '../store/superseded.ts'
import type { UploadTracker } from '../store/upload-tracker.ts'
import type { Ledger } from './ledger.ts'

/** Uploads that are opened one after the other share a checkpoint. */
const leastPauseMs = 1000

/**
 * Writes checkpoints of a running pass: one every `everyMs`, and one as soon as an upload in parts
 * is opened, so that others can abort it. The returned function ends that and resolves when no
 * checkpoint is being written; it rejects with Superseded if the attempt was superseded.
 * `onSuperseded` is called as soon as that is known.
 */
export function checkpointRegularly(
  ledger: Ledger,
  everyMs: number,
  { calls, uploads, log }: { calls: StoreCalls; uploads: UploadTracker; log: Log },
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
        log.error(
          { message: messageOf(error), error },
          'the checkpoint could not be written; it is tried again',
        )
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
