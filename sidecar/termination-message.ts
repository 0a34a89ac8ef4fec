import { writeFileSync } from 'node:fs'
import { messageOf } from '../src/errors.ts'
import type { Log } from '../src/log.ts'
import type { TerminationMessage } from './settings.ts'

/** The kubelet keeps 4,096 bytes; cut JSON would be no JSON. */
const maxMessageLength = 1000

/** Writes the uploader's last words; a file that can't be written is only logged. */
export function writeTerminationMessage(file: string, message: TerminationMessage, log: Log): void {
  const words =
    'message' in message ? { ...message, message: message.message.slice(0, maxMessageLength) } : message
  try {
    writeFileSync(file, JSON.stringify(words))
  } catch (error) {
    log.warn({ file, message: messageOf(error) }, 'termination message not written')
  }
}
