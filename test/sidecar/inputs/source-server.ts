import { readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createHttp } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type PrivateCa, privateCa } from '../../support/store/private-ca.ts'

export interface SourceServer {
  url: string
  ca: PrivateCa
  /** Each request so far: its path and its Range header. */
  requests: { path: string; range: string | undefined }[]
}

export type Answering = (req: IncomingMessage, res: ServerResponse, number: number) => void

let ca: PrivateCa | undefined

/** The authority of all servers of the test's file; the first call says where they are. */
export function testCa(address = '127.0.0.1'): PrivateCa {
  ca ??= privateCa(address)
  return ca
}

/** Removes the authority's files, after the last test. */
export function removeCa(): void {
  if (ca !== undefined) rmSync(ca.folder, { recursive: true })
  ca = undefined
}

/** A TLS server with a certificate by a private authority, until the end of the test. */
export async function sourceServer(
  answer: Answering,
  plain = false,
  address = '127.0.0.1',
): Promise<SourceServer> {
  const { folder } = testCa(address)
  const requests: SourceServer['requests'] = []
  const onRequest = (req: IncomingMessage, res: ServerResponse) => {
    requests.push({ path: req.url ?? '', range: req.headers.range })
    res.on('error', () => undefined)
    answer(req, res, requests.length)
  }
  const key = readFileSync(join(folder, 'private.key'))
  const cert = readFileSync(join(folder, 'public.crt'))
  const server = plain ? createHttp(onRequest) : createServer({ key, cert }, onRequest)
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `${plain ? 'http' : 'https'}://${address}:${port}`, ca: testCa(), requests }
}

/**
 * Answers with the bytes or the range of them that is asked for under If-Range; `cutEvery`: it cuts
 * the connection after so many bytes.
 */
export function serve(
  bytes: Buffer,
  etag: string | undefined,
  cutEvery = Number.POSITIVE_INFINITY,
): Answering {
  return (req, res) => {
    const from = Number(/^bytes=(\d+)-$/.exec(req.headers.range ?? '')?.[1] ?? 0)
    const inRange = from > 0 && etag !== undefined && req.headers['if-range'] === etag
    const rest = inRange ? bytes.subarray(from) : bytes
    res.writeHead(inRange ? 206 : 200, {
      'content-length': rest.length,
      ...(etag !== undefined && { etag }),
      ...(inRange && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    })
    if (rest.length <= cutEvery) res.end(rest)
    else res.write(rest.subarray(0, cutEvery), () => res.destroy())
  }
}
