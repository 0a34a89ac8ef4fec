import { createHmac } from 'node:crypto'

/**
 * The headers of a signed message (Standard Webhooks 1.0.0): one signature over `id.timestamp.body`
 * for each secret. `at` is the time of this attempt, in milliseconds since the epoch.
 */
export function signedHeaders(
  id: string,
  at: number,
  body: string,
  secrets: readonly Uint8Array[],
): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000))
  const signatures = secrets.map((secret) => {
    return `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`
  })
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  }
}
