import { createServer, type IncomingMessage, request as send } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import { codeOf } from '../../../src/util/error-code.ts'
import { listenForTest } from '../listen.ts'

/** A request as it came, with all that a client signed. */
export interface Captured {
  method: string
  path: string
  /** Names and values in turn. */
  rawHeaders: string[]
  body: Buffer
}

export interface Answer {
  status: number
  text: string
}

export interface HostileProxy {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly captured: Captured[]
  /** The body that the store gets instead. */
  alter: (request: Captured) => Buffer | Promise<Buffer>
  /**
   * True for a request that the store does not get, though the client is told that it succeeded.
   */
  withhold: (request: Captured) => boolean
  /**
   * Sends a captured request to the store, without the client; status 0 if the store closes the
   * connection before it has read the body, as MinIO does for a part of an upload that is gone.
   */
  replay(request: Captured): Promise<Answer>
}

/**
 * A proxy in front of the store `target` as a worker could run it, without a key of the store. It
 * is closed after the test.
 */
export async function startHostileProxy(target: string): Promise<HostileProxy> {
  const captured: Captured[] = []
  const server = createServer(async (incoming, outgoing) => {
    const request = await capture(incoming)
    if (request === undefined) return
    captured.push(request)
    if (proxy.withhold(request)) {
      outgoing.writeHead(200, { etag: '"0123456789abcdef0123456789abcdef"' }).end()
      return
    }
    const answer = await forward(target, request, await proxy.alter(request))
    if (answer === undefined) {
      outgoing.destroy()
      return
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
    answer.pipe(outgoing)
  })
  const proxy: HostileProxy = {
    url: await listenForTest(server),
    captured,
    alter: ({ body }) => body,
    withhold: () => false,
    async replay(request) {
      const answer = await forward(target, request, request.body)
      if (answer === undefined) return { status: 0, text: '' }
      return { status: answer.statusCode ?? 0, text: String(await buffer(answer)) }
    },
  }
  return proxy
}

/**
 * The bytes with some of `places` changed by `mask`, so that their CRC32 is `wanted`: it is linear,
 * so that 32 places that differ enough are always sufficient.
 */
export function withCrc32(bytes: Buffer, wanted: number, places: readonly number[], mask = 1): Buffer {
  const flip = (at: number) => {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ mask
    return changed
  }
  const plain = crc32(bytes)
  const basis: { crc: number; flips: Set<number> }[] = []
  const reduce = (start: number) => {
    let crc = start
    const flips = new Set<number>()
    for (const one of basis) {
      if ((crc ^ one.crc) >>> 0 >= crc) continue
      crc = (crc ^ one.crc) >>> 0
      for (const at of one.flips) if (!flips.delete(at)) flips.add(at)
    }
    return { crc, flips }
  }
  for (const at of places) {
    const { crc, flips } = reduce((crc32(flip(at)) ^ plain) >>> 0)
    if (crc === 0) continue
    if (!flips.delete(at)) flips.add(at)
    basis.push({ crc, flips })
    basis.sort((a, b) => b.crc - a.crc)
  }
  const { crc, flips } = reduce((wanted ^ plain) >>> 0)
  if (crc !== 0) throw new Error('too few places for this CRC32')
  const forged = Buffer.from(bytes)
  for (const at of flips) forged[at] = (forged[at] ?? 0) ^ mask
  return forged
}

/** Undefined if the client closes the connection within its request. */
async function capture(incoming: IncomingMessage): Promise<Captured | undefined> {
  const { method = '', url: path = '', rawHeaders } = incoming
  try {
    return { method, path, rawHeaders, body: await buffer(incoming) }
  } catch (error) {
    if (codeOf(error) === 'ECONNRESET') return undefined
    throw error
  }
}

/** Undefined if the store closes the connection before it has answered. */
function forward(
  target: string,
  { method, path, rawHeaders }: Captured,
  body: Buffer,
): Promise<IncomingMessage | undefined> {
  const { hostname, port } = new URL(target)
  return new Promise((resolve, reject) => {
    const headers: string[] = []
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const [name = '', value = ''] = rawHeaders.slice(index, index + 2)
      if (!/^(connection|transfer-encoding|content-length)$/i.test(name)) headers.push(name, value)
    }
    if (method === 'PUT' || method === 'POST') headers.push('content-length', String(body.length))
    send({ hostname, port, method, path, headers: pairs(headers), setHost: false, agent: false })
      .on('response', resolve)
      .on('error', (error) => {
        if (['EPIPE', 'ECONNRESET'].includes(codeOf(error) ?? '')) resolve(undefined)
        else reject(error)
      })
      .end(body)
  })
}

function pairs(raw: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: raw.length / 2 }, (_, index) => [raw[2 * index] ?? '', raw[2 * index + 1] ?? '']),
  )
}
