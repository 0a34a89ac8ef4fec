import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'
import { Hash } from '@smithy/hash-node'
import { createScope, getCanonicalHeaders, getCanonicalQuery, getSigningKey } from '@smithy/signature-v4'
import { defined } from '../../util/objects.ts'
import type { S3Credentials, S3CredentialsProvider } from './s3-credentials.ts'

export interface Unsigned {
  method: string
  /** `https:` */
  protocol: string
  hostname: string
  /** Percent-encoded. */
  path: string
  query: Record<string, string>
  /** Names in lower case, `host` included; all are signed. */
  headers: Record<string, string>
  /** SHA-256 of the body in lower-case hex; without it the signature does not cover the body. */
  payloadSha256?: string
}

/**
 * Signs requests to S3 (SigV4) and resolves with their headers.
 * SignatureV4.sign() has the same result but is slower: for each request it hashes its cache's key
 * and awaits values that it has.
 */
export function createS3Signer(
  region: string,
  provider: S3CredentialsProvider,
): (request: Unsigned) => Promise<Record<string, string>> {
  let known: { credentials: S3Credentials; day: string; key: KeyObject } | undefined
  const keyFor = async (credentials: S3Credentials, day: string) => {
    if (known?.credentials !== credentials || known.day !== day) {
      const key = await getSigningKey(Hash.bind(null, 'sha256'), credentials, day, region, 's3')
      known = { credentials, day, key: createSecretKey(key) }
    }
    return known.key
  }

  return async (request) => {
    const credentials = await provider()
    const payload = request.payloadSha256 ?? unsigned
    const time = `${new Date().toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`
    const day = time.slice(0, 8)
    const headers: Record<string, string> = {
      ...request.headers,
      'x-amz-content-sha256': payload,
      'x-amz-date': time,
      ...defined({ 'x-amz-security-token': credentials.sessionToken }),
    }
    const canonical = getCanonicalHeaders({ ...request, headers })
    const names = Object.keys(canonical).sort()
    const signedNames = names.join(';')
    const lines = names.map((name) => `${name}:${canonical[name]}\n`).join('')
    const text = [request.method, request.path, getCanonicalQuery(request), lines, signedNames, payload]
    const scope = createScope(day, region, 's3')
    const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash('sha256', text.join('\n'))}`
    const signature = createHmac('sha256', await keyFor(credentials, day))
      .update(toSign)
      .digest('hex')
    headers.authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`
    return headers
  }
}

const unsigned = 'UNSIGNED-PAYLOAD'
