import { parseJsonObject } from '../../util/objects.ts'
import type { Cause } from '../job.ts'
import { isReason } from '../reason-meanings.ts'

/**
 * The uploader's termination message: counts if it wrote the manifest, else the cause of its
 * failure.
 */
export type TerminationMessage =
  | { count: number; bytes: number; errors: number }
  | { reason: string; message: string }

/** The kubelet keeps 4,096 bytes; truncated JSON could not be parsed. */
const maxMessageLength = 1000

export function formatTerminationMessage(words: TerminationMessage): string {
  const short = 'message' in words ? { ...words, message: words.message.slice(0, maxMessageLength) } : words
  return JSON.stringify(short)
}

/** True if the text says that the manifest is written. */
export function isCommitted(text: string | undefined): boolean {
  return typeof parseJsonObject(text)?.count === 'number'
}

/**
 * The cause in a termination message or in a line of the uploader's log; undefined if there is
 * none. Where the uploader wrote no message, Kubernetes may give the end of its log.
 */
export function causeIn(text: string | undefined): Cause | undefined {
  const { reason, message } = parseJsonObject(text) ?? {}
  return isReason(reason) ? { reason, message: String(message) } : undefined
}
