import type { Log } from '../../util/log.ts'
import type { StoredMessage } from './stored-message.ts'

/** Logs the last attempt of a message, its receiver's host and when the next attempt comes. */
export function logAttempt(log: Log, { message, state, attempts, next_at }: StoredMessage): void {
  const { kind, id, job, url } = message
  const { status, error } = attempts.at(-1) ?? {}
  const line = { job, kind, message: id, to: hostOf(url), state, status, error, next_at }
  if (state === 'delivered') log.info(line, 'the message was sent')
  else log.warn(line, 'sending the message failed')
}

/** The host alone: a URL's path and query may contain a secret. */
export function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined
}
