import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'
import { Hash } from '@smithy/hash-node'
import { createScope, getCanonicalHeaders, getCanonicalQuery, getSigningKey } from '@smithy/signature-v4'
import type { S3Credentials, S3CredentialsProvider } from './s3-credentials.ts'

export interface Unsigned {
  method: string
  /** `https:` */
  protocol: string
  hostname: string
  /** Percent-encoded already. */
  path: string
  query: Record<string, string>
  /** Names in lower case, `host` among them; all are signed. */
  headers: Record<string, string>
}

/**
 * Signs requests to S3 (SigV4) whose payload is not signed; gives their headers. SignatureV4.sign() gives the same for more
 * time: it derives the key of its cache anew with each request, and waits for what is there already.
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
    const time = `${new Date().toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`
    const day = time.slice(0, 8)
    const headers: Record<string, string> = {
      ...request.headers,
      'x-amz-content-sha256': unsigned,
      'x-amz-date': time,
      ...(credentials.sessionToken !== undefined && { 'x-amz-security-token': credentials.sessionToken }),
    }
    const canonical = getCanonicalHeaders({ ...request, headers })
    const names = Object.keys(canonical).sort()
    const signedNames = names.join(';')
    const lines = names.map((name) => `${name}:${canonical[name]}\n`).join('')
    const text = [request.method, request.path, getCanonicalQuery(request), lines, signedNames, unsigned]
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
