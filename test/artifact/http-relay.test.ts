import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createHttpRelay, type RelayedAnswer, type RelayRequest } from '../../src/artifact/http-relay.ts'
import { selfSigned } from '../support/self-signed.ts'

const timeoutMs = 400
const bytes = randomBytes(3_000_000)
const head = `HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\nETag: "x"\r\n\r\n`

/** A server that does that with each connection once it has a request, and a relay that reads from it. */
async function relayFrom(
  answer: (socket: Socket, request: string) => unknown,
  server: Server = createServer(),
) {
  const sockets: Socket[] = []
  const isTls = server.listenerCount('secureConnection') > 0
  server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.push(socket)
    socket.on('error', () => {}).once('data', (request: Buffer) => answer(socket, String(request)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const relay = createHttpRelay(new URL(`http${isTls ? 's' : ''}://localhost:${port}`), timeoutMs)
  onTestFinished(() => {
    relay.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const get = async (more: Partial<RelayRequest> = {}): Promise<RelayedAnswer> => {
    const got = await relay.get({ path: '/a', headers: { host: 'localhost' }, ...more })
    if (got === undefined) throw new Error('there is no answer')
    return got
  }
  return { relay, get, sockets }
}

async function allOf({ chunks }: RelayedAnswer, pauseMs?: number): Promise<Buffer> {
  const copies: Buffer[] = []
  for await (const chunk of chunks) {
    copies.push(Buffer.from(chunk))
    if (pauseMs !== undefined && copies.length === 3) await sleep(pauseMs)
  }
  return Buffer.concat(copies)
}

function trust(cert: Buffer): void {
  const before = getCACertificates('default')
  onTestFinished(() => setDefaultCACertificates(before))
  setDefaultCACertificates([...before, String(cert)])
}

describe('a relayed answer', () => {
  it('gives status, fields and every byte, and asks as it was told to', async () => {
    const asked: string[] = []
    const { get } = await relayFrom((socket, request) => {
      asked.push(request)
      socket.write(head)
      socket.write(bytes)
    })
    const answer = await get({ path: '/a?b=c', headers: { host: 'h', range: 'bytes=0-' } })
    expect([answer.status, answer.header('etag'), answer.header('x')]).toEqual([200, '"x"', undefined])
    expect((await allOf(answer)).equals(bytes)).toBe(true)
    expect(asked).toEqual(['GET /a?b=c HTTP/1.1\r\nhost: h\r\nrange: bytes=0-\r\nconnection: close\r\n\r\n'])
  })

  it('comes whole where its head comes byte by byte, and the body with its last one', async () => {
    const { get } = await relayFrom(async (socket) => {
      socket.setNoDelay()
      for (const character of head.slice(0, -1)) {
        socket.write(character)
        await sleep(1)
      }
      socket.write(Buffer.concat([Buffer.from('\n'), bytes]))
    })
    expect((await allOf(await get())).equals(bytes)).toBe(true)
  })

  it('comes whole, and no further, from a server that closes or goes on', async () => {
    const { get } = await relayFrom((socket) => {
      socket.write(head)
      socket.write(bytes)
      socket.end('more than was announced')
    })
    expect((await allOf(await get())).equals(bytes)).toBe(true)
  })

  it('may be empty', async () => {
    const { get } = await relayFrom((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))
    expect(await allOf(await get())).toHaveLength(0)
  })

  it('comes over TLS from a server whose certificate is trusted, and from no other', async () => {
    const { key, cert } = selfSigned()
    const server = createTlsServer({ key, cert })
    server.on('secureConnection', () => {})
    const { get } = await relayFrom((socket) => {
      socket.write(head)
      socket.write(bytes)
    }, server)
    await expect(get()).rejects.toThrow('self-signed')
    trust(cert)
    expect((await allOf(await get())).equals(bytes)).toBe(true)
  })

  it('stays as it came over TLS, in records of which many come at once, until the next chunk is asked for', async () => {
    const { key, cert } = selfSigned()
    const server = createTlsServer({ key, cert })
    const { get } = await relayFrom(
      (socket) => {
        socket.write(head)
        for (let start = 0; start < bytes.length; start += 1300)
          socket.write(bytes.subarray(start, start + 1300))
      },
      server.on('secureConnection', () => {}),
    )
    trust(cert)
    const copies: Buffer[] = []
    for await (const chunk of (await get()).chunks) {
      copies.push(Buffer.from(chunk))
      await sleep(1)
      if (!chunk.equals(copies.at(-1) ?? chunk)) throw new Error(`chunk ${copies.length} has changed`)
    }
    expect(Buffer.concat(copies).equals(bytes)).toBe(true)
  })

  it('waits for a reader who is slower than the timeout', async () => {
    const { get } = await relayFrom((socket) => {
      socket.write(head)
      socket.write(bytes)
    })
    expect((await allOf(await get(), 3 * timeoutMs)).equals(bytes)).toBe(true)
  })

  it('of which nothing is read fills no memory', async () => {
    const large = 256 * 1024 * 1024
    const { get, sockets } = await relayFrom(async (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${large}\r\n\r\n`)
      while (!socket.destroyed && socket.bytesWritten < large)
        if (!socket.write(Buffer.alloc(65_536))) await once(socket, 'drain').catch(() => {})
    })
    const answer = await get()
    await sleep(300)
    // What the kernel's socket buffers take is not memory of ours.
    expect(sockets[0]?.bytesWritten).toBeLessThan(32 * 1024 * 1024)
    answer.close()
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  })

  it('that is left early ends its connection', async () => {
    const { get, sockets } = await relayFrom((socket) => {
      socket.write(head)
      socket.write(bytes.subarray(0, 100_000))
    })
    for await (const _ of (await get()).chunks) break
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  })
})

describe('a relay that fails', () => {
  it.each<[string, (socket: Socket) => unknown, string]>([
    ['closes before its answer', (socket) => socket.end(), 'closed before an answer'],
    ['closes within the head', (socket) => socket.end(head.slice(0, 20)), 'closed before an answer'],
    ['resets', (socket) => socket.resetAndDestroy(), 'ECONNRESET'],
    ['never answers', () => {}, `nothing came in time`],
  ])('says so where the server %s', async (_, answer, message) => {
    const { get, sockets } = await relayFrom(answer)
    await expect(get()).rejects.toThrow(message)
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  })

  it.each<[string, (socket: Socket) => unknown, string]>([
    ['closes', (socket) => socket.end(), '2900000 bytes before the end'],
    ['falls silent', () => {}, `nothing came in time`],
  ])('ends the body with an error where the server %s in its middle', async (_, then, message) => {
    const { get } = await relayFrom((socket) => {
      socket.write(head)
      socket.write(bytes.subarray(0, 100_000), () => then(socket))
    })
    const answer = await get()
    await expect(allOf(answer)).rejects.toThrow(message)
  })

  it.each([
    ['is chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['ends with its connection', 'HTTP/1.1 200 OK\r\n\r\nabc'],
    ['is of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc'],
    ['is none of HTTP', '220 mail\r\n\r\n'],
    ['has an endless head', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(9000)}`],
  ])('leaves an answer to another client that %s', async (_, text) => {
    const { relay, sockets } = await relayFrom((socket) => socket.write(text))
    expect(await relay.get({ path: '/', headers: { host: 'h' } })).toBeUndefined()
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  })

  it('gives the reason of a signal that is aborted before, while it waits, and while it is read', async () => {
    const reason = new Error('enough')
    const silent = await relayFrom(() => {})
    await expect(silent.get({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(silent.sockets).toHaveLength(0)
    const waiting = new AbortController()
    setTimeout(() => waiting.abort(reason), 50)
    await expect(silent.get({ signal: waiting.signal })).rejects.toBe(reason)

    const { get, sockets } = await relayFrom((socket) => {
      socket.write(head)
      socket.write(bytes)
    })
    const controller = new AbortController()
    const { chunks } = await get({ signal: controller.signal })
    const read = async () => {
      for await (const _ of chunks) controller.abort(reason)
    }
    await expect(read()).rejects.toBe(reason)
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  })

  it('ends every connection when it is closed', async () => {
    const { relay, get, sockets } = await relayFrom((socket) => socket.write(head))
    const answer = await get()
    relay.close()
    await expect(allOf(answer)).rejects.toThrow('before the end')
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  })

  it('sends no request with a line break in it', async () => {
    const { get, sockets } = await relayFrom(() => {})
    await expect(get({ path: '/a b' })).rejects.toThrow('line break')
    await expect(get({ headers: { host: 'h\r\nx: y' } })).rejects.toThrow('line break')
    expect(sockets).toHaveLength(0)
  })
})
