import { Hash } from '@smithy/hash-node'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Agent } from 'undici'
import { messageOf } from '../../../util/errors.ts'
import { StoreError } from '../../store.ts'
import { elementText } from '../s3-xml.ts'

export interface SignedCall {
  method: 'POST' | 'PUT' | 'DELETE'
  endpoint: string
  path: string
  query?: Record<string, string>
  headers?: Record<string, string>
  body: string | Uint8Array
  service: 's3' | 'sts'
  region: string
  accessKey: string
  secretKey: string
}

/**
 * A signed call (SigV4, body included) to the store's STS or admin API. Resolves with status and
 * body of any answer; rejects with StoreError `unavailable` if there is no answer.
 */
export async function signedCall(agent: Agent, call: SignedCall): Promise<{ status: number; text: string }> {
  const { origin, protocol, hostname, host } = new URL(call.endpoint)
  const { method, path, query = {}, body, accessKey: accessKeyId, secretKey: secretAccessKey } = call
  const signer = new SignatureV4({
    service: call.service,
    region: call.region,
    credentials: { accessKeyId, secretAccessKey },
    sha256: Hash.bind(null, 'sha256'),
    uriEscapePath: false,
  })
  const { headers } = await signer.sign({
    ...{ method, protocol, hostname, path, query, body },
    headers: { ...call.headers, host },
  })
  try {
    const target = `${path}${Object.keys(query).length === 0 ? '' : `?${new URLSearchParams(query)}`}`
    const answer = await agent.request({ origin, path: target, method, headers, body })
    return { status: answer.statusCode, text: await answer.body.text() }
  } catch (cause) {
    throw new StoreError('unavailable', `${method} ${origin}${path}: ${messageOf(cause)}`, { cause })
  }
}

/** The StoreError for a failed answer: `unavailable` for 429 and 5xx, else `denied`. */
export function callRefusal(what: string, { status, text }: { status: number; text: string }): StoreError {
  const said = elementText(text, 'Message') ?? /"Message":"([^"]*)"/.exec(text)?.[1] ?? ''
  const kind = status >= 500 || status === 429 ? 'unavailable' : 'denied'
  return new StoreError(kind, `${what}: ${status} ${said.slice(0, 500)}`)
}
