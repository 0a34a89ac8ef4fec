import type { KnownLine } from '../known/line.ts'
import type { FileSender } from '../pass/begin-line.ts'
import type { BytePath } from '../scan/byte-path.ts'
import { fingerprint } from '../scan/entry-of.ts'
import type { Sending } from '../upload/send.ts'
import { sendFile } from '../upload/send-file.ts'
import type { Attempts } from './attempts.ts'

/**
 * The files that are being sent while the worker runs. The pass that began with them may be left meanwhile; a later
 * one takes over what they bring instead of sending it twice.
 */
export class UnderWay {
  readonly #sends = new Map<BytePath, Promise<KnownLine | undefined>>()

  /** Sends files and keeps count of those that changed meanwhile. */
  sender(sending: Sending, attempts: Attempts): FileSender {
    return (path, file, known, options) => {
      const sent = sendFile(path, file, known, options, sending).then((line) => {
        if (line === undefined) attempts.note(path)
        return line
      })
      const settled = sent.finally(() => this.#sends.delete(path))
      this.#sends.set(path, settled)
      return settled
    }
  }

  /** Sends what isn't under way, or was of no use. */
  takingOver(sending: Sending): FileSender {
    return async (path, file, known, options) => {
      const brought = await this.#sends.get(path)?.catch(() => undefined)
      const isSame = brought?.fingerprint === fingerprint(file.stat())
      if (brought !== undefined && isSame && !(options.final && brought.verify)) return brought
      return sendFile(path, file, brought ?? known, options, sending)
    }
  }
}
