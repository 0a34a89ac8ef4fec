import { freeKeys } from '../../src/result-format/file-keys.ts'
import type { EntryLine } from '../journal/line.ts'
import { type BytePath, toBytes } from '../scan/byte-path.ts'
import { fingerprint } from '../scan/entry-of.ts'
import type { FileUploader } from '../upload/file-processor.ts'
import type { UploadContext } from '../upload/upload-context.ts'
import { uploadFile } from '../upload/upload-file.ts'
import type { Attempts } from './attempts.ts'

/**
 * More than a pass leaves in flight (live-uploader.ts: windowSize): its journal has the results of
 * those before.
 */
const remembered = 16

/**
 * Upper bound for an open upload while the worker runs, unless uploads after its end may take
 * longer: a worker that never stops writing leaves little time for uploads, and stores remove
 * uploads that stay open for a day.
 */
export const longestOpenMs = 3_600_000

interface Upload {
  line: Promise<EntryLine | undefined>
  /** Where it may put the bytes. */
  keys: readonly string[]
}

/**
 * The files that are being uploaded while the worker runs, and the newest that were. The pass that
 * began an upload may be aborted meanwhile; a later pass takes over the result instead of uploading
 * the file twice.
 */
export class InFlight {
  readonly #uploads = new Map<BytePath, Upload>()

  /**
   * Uploads files and counts those that changed meanwhile. A file that takes longer than
   * `longestMs` is left to the worker's end; once `stopSignal` is aborted, uploads are finished
   * however long they take.
   */
  uploader(
    context: UploadContext,
    attempts: Attempts,
    { longestMs, stopSignal }: { longestMs: number; stopSignal: AbortSignal },
    now = () => performance.now(),
  ): FileUploader {
    return (path, file, known, options) => {
      const begun = now()
      const isTooLate = () => !stopSignal.aborted && now() - begun > longestMs
      const line = uploadFile(path, file, known, options, { ...context, isTooLate }).then((stored) => {
        if (stored === undefined && isTooLate()) attempts.exhaust(path)
        else if (stored === undefined) attempts.note(path)
        return stored
      })
      this.#uploads.delete(path)
      this.#uploads.set(path, { line, keys: Object.values(freeKeys(toBytes(path), options.keysInUse)) })
      for (const oldest of this.#uploads.keys()) {
        if (this.#uploads.size <= remembered) break
        this.#uploads.delete(oldest)
      }
      return line
    }
  }

  /**
   * Uploads files that are not in flight and were not uploaded just before, or whose upload was of
   * no use.
   */
  successor(context: UploadContext): FileUploader {
    return async (path, file, known, options) => {
      const before = this.#uploads.get(path)
      this.#uploads.delete(path)
      let { keysInUse } = options
      const stored = await before?.line.catch(() => {
        // The store may carry out a request that was cut off after the next one: both need keys of
        // their own.
        keysInUse = [...keysInUse, ...(before?.keys ?? [])]
        return undefined
      })
      const isSame = stored?.fingerprint === fingerprint(file.stat())
      if (stored !== undefined && isSame && !(options.final && stored.verify)) return stored
      // All files that follow in the pass wait for buffers by now, and their outcomes for this one.
      const ahead = before === undefined ? context : { ...context, isAhead: true as const }
      return uploadFile(path, file, stored ?? known, { ...options, keysInUse }, ahead)
    }
  }
}
