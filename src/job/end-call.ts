import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/**
 * The call by which the API ends an uploader that is storing, `POST /end` on its port:
 *
 * - body: the stop object as JSON
 * - `jobferry-time`: when it was signed, in decimal milliseconds since the epoch
 * - `jobferry-signature`: hex HMAC-SHA-256, by the job's key, of time, attempt and body
 * - the answer's `jobferry-proof`: hex HMAC-SHA-256 of that signature
 *
 * A worker may take the uploader's port: it sees one signed call, which no other attempt and, after
 * `windowMilliseconds`, no uploader accepts. It can't prove the call's receipt.
 */
export interface EndCall {
  /** The pod's UID. */
  attempt: string
  /** Milliseconds since the epoch, by the caller's clock. */
  at: number
  body: string
}

export const endHeaders = {
  time: 'jobferry-time',
  signature: 'jobferry-signature',
  proof: 'jobferry-proof',
} as const

/** Nodes' clocks may differ by minutes. */
const windowMilliseconds = 5 * 60_000

export function signEnd(key: string, { attempt, at, body }: EndCall): string {
  return hmac(key, `end\n${at}\n${attempt}\n${body}`)
}

/**
 * Undefined for a valid call, else the reason for its refusal. A call within the window may come
 * twice: its effect must be the same.
 */
export function endRefusal(
  key: string,
  call: EndCall,
  signature: string | undefined,
  now: number,
): string | undefined {
  if (!isSameSecret(signEnd(key, call), signature ?? '')) return 'the signature is wrong'
  const away = Math.abs(now - call.at)
  if (away <= windowMilliseconds) return undefined
  return `signed ${Math.round(away / 1000)} s from now, more than ${windowMilliseconds / 1000}: a clock is wrong`
}

/** For the answer to a call of that signature. */
export function proofOfEnd(key: string, signature: string): string {
  return hmac(key, `ended\n${signature}`)
}

export function isProofOfEnd(key: string, signature: string, proof: unknown): boolean {
  return typeof proof === 'string' && isSameSecret(proofOfEnd(key, signature), proof)
}

function hmac(key: string, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex')
}

/** Compares secrets in constant time, whatever their lengths. */
export function isSameSecret(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b))
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
