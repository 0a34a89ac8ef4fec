import type { CallbackEvent } from '../types.ts'

export interface Webhook {
  /** The request's headers: a Headers object, or Node's `req.headers`. */
  headers: Headers | Readonly<Record<string, string | string[] | undefined>>
  /** The bytes as they came: parsed and written again they may differ. */
  body: Uint8Array | string
  /** `whsec_…`; the old and the new one while they change. */
  secrets: string | readonly string[]
  /** Milliseconds since the epoch. Default: now. */
  now?: number
}

/** Without a limit an attacker could send a recorded callback again at any time. */
const toleranceSeconds = 5 * 60

/**
 * The event of a callback whose signature (Standard Webhooks 1.0.0) is right and whose timestamp is
 * fresh; undefined for any other. Throws a TypeError for a secret of another form.
 */
export async function verifyWebhook(webhook: Webhook): Promise<CallbackEvent | undefined> {
  const { headers, body, secrets, now = Date.now() } = webhook
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    headerOf(headers, name),
  )
  if (id === undefined || timestamp === undefined || signatures === undefined) return undefined
  if (!(Math.abs(now / 1000 - Number(timestamp)) <= toleranceSeconds)) return undefined
  const bytes = Uint8Array.from(typeof body === 'string' ? new TextEncoder().encode(body) : body)
  const signed = new Uint8Array([...new TextEncoder().encode(`${id}.${timestamp}.`), ...bytes])
  for (const secret of typeof secrets === 'string' ? [secrets] : secrets) {
    const key = await keyOf(secret)
    for (const signature of signatures.split(' ')) {
      if (!signature.startsWith('v1,')) continue
      // WebCrypto compares in constant time.
      if (await crypto.subtle.verify('HMAC', key, bytesOf(signature.slice(3)), signed)) {
        return JSON.parse(new TextDecoder().decode(bytes)) as CallbackEvent
      }
    }
  }
  return undefined
}

function headerOf(headers: Webhook['headers'], name: string): string | undefined {
  const value = headers instanceof Headers ? headers.get(name) : headers[name]
  return typeof value === 'string' ? value : undefined
}

function keyOf(secret: string) {
  const key = bytesOf(secret.replace(/^whsec_/, ''))
  // Anybody can sign with an empty secret.
  if (key.length < 24) throw new TypeError('a secret is missing or is no whsec_<base64 of 24 to 64 bytes>')
  return crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  } catch {
    return new Uint8Array()
  }
}
