import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { eventually } from '../time/eventually.ts'
import { selfSigned } from './self-signed.ts'

/** A notification that the control plane received. */
export interface Notice {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: Record<string, unknown>
  /** Milliseconds since the epoch. */
  at: number
}

export interface Dataspace extends AsyncDisposable {
  /** The control plane's signaling API. */
  controlPlane: string
  /** Path for NODE_EXTRA_CA_CERTS, because this server's certificate is self-signed. */
  certificateFile: string
  /** The consumer's DID; this server also serves its document. */
  did: string
  /** Notifications to the control plane, without the requests to its authorization server. */
  notices: Notice[]
  /** Parameters of the requests to the authorization server. */
  tokenRequests: URLSearchParams[]
  /** Number of reads of the consumer's document. */
  documentReads(): number
  /** Waits for a notification to this path and resolves with it. */
  until(path: string, within?: number): Promise<Notice>
  /** Sets the status of the control plane's further answers. */
  answer(status: number): void
  /** Replaces the consumer's signing key, and the key in its document. */
  rotate(): Promise<void>
  /** Signs the consumer's JWT for a renewal. */
  sign(claims: JWTPayload, header?: { kid?: string }): Promise<string>
}

/**
 * Starts a control plane, its authorization server and a consumer's did:web on one HTTPS server.
 */
export async function startDataspace(): Promise<Dataspace> {
  const { key, cert } = selfSigned()
  const directory = await mkdtemp(join(tmpdir(), 'jobferry-dataspace-'))
  const certificateFile = join(directory, 'ca.pem')
  await writeFile(certificateFile, cert)
  const notices: Notice[] = []
  const tokenRequests: URLSearchParams[] = []
  let reads = 0
  let status = 200
  let keys = await newKeys(1)
  const server = createServer({ key, cert }, (req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const { method = '', url: path = '', headers } = req
      const text = Buffer.concat(chunks).toString()
      if (path === '/consumer/did.json') {
        reads++
        res.end(JSON.stringify(document(did, keys)))
      } else if (path === '/oauth/token') {
        tokenRequests.push(new URLSearchParams(text))
        res.end(
          JSON.stringify({ access_token: `control-plane-${tokenRequests.length}`, token_type: 'Bearer' }),
        )
      } else {
        notices.push({ method, path, headers, body: text === '' ? {} : JSON.parse(text), at: Date.now() })
        res.writeHead(status).end()
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const did = `did:web:localhost%3A${port}:consumer`
  return {
    controlPlane: `https://localhost:${port}/signaling`,
    certificateFile,
    did,
    notices,
    tokenRequests,
    documentReads: () => reads,
    until: (path, within = 30_000) => eventually(() => noticeOf(notices, path), { within, every: 20 }),
    answer(given) {
      status = given
    },
    async rotate() {
      keys = await newKeys(keys.number + 1)
    },
    sign: (claims, header) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', kid: `${did}#key-${keys.number}`, ...header })
        .setIssuedAt()
        .setExpirationTime('60s')
        .sign(keys.privateKey),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(directory, { recursive: true })
    },
  }
}

function noticeOf(notices: readonly Notice[], path: string): Notice {
  const found = notices.find((notice) => notice.path === `/signaling${path}`)
  if (found) return found
  throw new Error(`${path} is not among ${notices.map((notice) => notice.path).join(' ')}`)
}

async function newKeys(number: number) {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  return { number, privateKey, jwk: await exportJWK(publicKey) }
}

function document(did: string, { number, jwk }: Awaited<ReturnType<typeof newKeys>>) {
  const method = { id: `${did}#key-${number}`, type: 'JsonWebKey2020', controller: did, publicKeyJwk: jwk }
  return { id: did, verificationMethod: [method], authentication: [method.id] }
}
