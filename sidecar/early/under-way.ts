import { freeKeys } from '../../src/artifact/keys.ts'
import type { KnownLine } from '../known/line.ts'
import type { FileSender } from '../pass/begin-line.ts'
import { type BytePath, toBytes } from '../scan/byte-path.ts'
import { fingerprint } from '../scan/entry-of.ts'
import type { Sending } from '../upload/send.ts'
import { sendFile } from '../upload/send-file.ts'
import type { Attempts } from './attempts.ts'

/** More than wait in a pass (early.ts: filesAtOnce): what those before them brought stands in its journal. */
const remembered = 16

/**
 * An upload of a file is open for that long at most while the worker runs, or as long as one after its end may be: a
 * worker that never stops writing leaves it little time, and stores drop what stays open for a day.
 */
export const longestOpenMs = 3_600_000

interface Send {
  line: Promise<KnownLine | undefined>
  /** Where it may put the bytes. */
  keys: readonly string[]
}

/**
 * The files that are being sent, or were last, while the worker runs. The pass that began with them may be left
 * meanwhile; a later one takes over what they bring instead of sending it twice.
 */
export class UnderWay {
  readonly #sends = new Map<BytePath, Send>()

  /**
   * Sends files and keeps count of those that changed meanwhile. One that takes longer than `longestMs` is given up
   * until the end, unless `enough` is aborted: then it is as well finished.
   */
  sender(
    sending: Sending,
    attempts: Attempts,
    { longestMs, enough }: { longestMs: number; enough: AbortSignal },
    now = () => performance.now(),
  ): FileSender {
    return (path, file, known, options) => {
      const begun = now()
      const isTooLate = () => !enough.aborted && now() - begun > longestMs
      const line = sendFile(path, file, known, options, { ...sending, isTooLate }).then((brought) => {
        if (brought === undefined && isTooLate()) attempts.exhaust(path)
        else if (brought === undefined) attempts.note(path)
        return brought
      })
      this.#sends.delete(path)
      this.#sends.set(path, { line, keys: Object.values(freeKeys(toBytes(path), options.keysInUse)) })
      for (const oldest of this.#sends.keys()) {
        if (this.#sends.size <= remembered) break
        this.#sends.delete(oldest)
      }
      return line
    }
  }

  /** Sends what isn't under way, wasn't brought just before or was of no use. */
  takingOver(sending: Sending): FileSender {
    return async (path, file, known, options) => {
      const before = this.#sends.get(path)
      this.#sends.delete(path)
      let { keysInUse } = options
      const brought = await before?.line.catch(() => {
        // What was cut off may take effect later than what is sent now.
        keysInUse = [...keysInUse, ...(before?.keys ?? [])]
        return undefined
      })
      const isSame = brought?.fingerprint === fingerprint(file.stat())
      if (brought !== undefined && isSame && !(options.final && brought.verify)) return brought
      // By now all files that follow in the pass wait for buffers, and their findings for this one's.
      const ahead = before === undefined ? sending : { ...sending, isAhead: true as const }
      return sendFile(path, file, brought ?? known, { ...options, keysInUse }, ahead)
    }
  }
}
