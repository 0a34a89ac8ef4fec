import { writeFileSync } from 'node:fs'
import { formatTerminationMessage, type TerminationMessage } from '../src/job/state/termination-message.ts'
import { messageOf } from '../src/util/errors.ts'
import type { Log } from '../src/util/log.ts'

/** A file that can't be written is only logged: the manifest counts, not the message. */
export function writeTerminationMessage(file: string, message: TerminationMessage, log: Log): void {
  try {
    writeFileSync(file, formatTerminationMessage(message))
  } catch (error) {
    log.warn({ file, message: messageOf(error) }, 'the termination message could not be written')
  }
}
