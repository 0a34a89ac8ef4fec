import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Sink } from '../../../../src/util/sink.ts'
import { bytes, head, relayFrom, shortMs, whole } from './relay-from.ts'

describe('a relayed answer', () => {
  it('gives status, fields and every byte, and sends exactly the given request', async () => {
    const asked: string[] = []
    const { get } = await relayFrom((socket, request) => {
      asked.push(request)
      socket.write(head)
      socket.write(bytes)
    })
    const answer = await get({ path: '/a?b=c', headers: { host: 'h', range: 'bytes=0-' } })
    const { status, header } = answer.head ?? expect.fail('there is no head')
    expect([status, header('etag'), header('x')]).toEqual([200, '"x"', undefined])
    expect(answer.bytes.equals(bytes)).toBe(true)
    expect(asked).toEqual(['GET /a?b=c HTTP/1.1\r\nhost: h\r\nrange: bytes=0-\r\n\r\n'])
  })

  it("is complete if its head arrives byte by byte, and the body with the head's last byte", async () => {
    const { get } = await relayFrom(async (socket) => {
      socket.setNoDelay()
      for (const character of head.slice(0, -1)) {
        socket.write(character)
        await sleep(1)
      }
      socket.write(Buffer.concat([Buffer.from('\n'), bytes]))
    })
    expect((await get()).bytes.equals(bytes)).toBe(true)
  })

  it('ends at its Content-Length if the server sends more and closes', async () => {
    const { get } = await relayFrom((socket) => {
      socket.write(head)
      socket.write(bytes)
      socket.end('more than was announced')
    })
    expect((await get()).bytes.equals(bytes)).toBe(true)
  })

  it('may be empty', async () => {
    const { get } = await relayFrom((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))
    expect((await get()).bytes).toHaveLength(0)
  })

  it('waits for a reader who is slower than the timeout', async () => {
    const { get } = await relayFrom(whole, shortMs)
    let chunks = 0
    const slow: Sink = async () => {
      chunks += 1
      if (chunks === 3) await sleep(3 * shortMs)
    }
    expect((await get({}, slow)).bytes.equals(bytes)).toBe(true)
  })

  it('buffers no unbounded memory while its sink waits, and ends its connection if the sink fails', async () => {
    const large = 256 * 1024 * 1024
    const { get, sockets } = await relayFrom(async (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${large}\r\n\r\n`)
      while (!socket.destroyed && socket.bytesWritten < large)
        if (!socket.write(Buffer.alloc(65_536))) await once(socket, 'drain').catch(() => {})
    })
    const failure = new Error('the reader went away')
    const waiting: Sink = async () => {
      await sleep(300)
      // The kernel's socket buffers hold a part outside this process.
      expect(sockets[0]?.bytesWritten).toBeLessThan(32 * 1024 * 1024)
      throw failure
    }
    await expect(get({}, waiting)).rejects.toMatchObject({ name: 'SinkFailure', cause: failure })
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  })

  it('may be refused by sinkFor because of its head, which ends its connection', async () => {
    const { relay, sockets } = await relayFrom(whole)
    const request = { path: '/', headers: { host: 'h' } }
    expect(await relay.get(request, () => undefined)).toBe(false)
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
    const failure = new Error('the wrong object')
    const refuse = () => {
      throw failure
    }
    await expect(relay.get(request, refuse)).rejects.toMatchObject({ cause: failure })
    await expect.poll(() => sockets[1]?.destroyed).toBe(true)
  })
})

describe('a connection', () => {
  it('is reused for the next answer', async () => {
    const { get, sockets } = await relayFrom(whole)
    for (let time = 0; time < 3; time++) expect((await get()).bytes.equals(bytes)).toBe(true)
    expect(sockets).toHaveLength(1)
  })

  it('carries one answer at a time', async () => {
    const { get, sockets } = await relayFrom(whole)
    const answers = await Promise.all(Array.from({ length: 10 }, () => get()))
    for (const answer of answers) expect(answer.bytes.equals(bytes)).toBe(true)
    expect(sockets).toHaveLength(10)
  })

  it.each<[string, (socket: Socket) => unknown]>([
    ['closes it after an answer', (socket) => socket.end()],
    [
      'resets it when it gets the next request',
      (socket) => socket.removeAllListeners('data').once('data', () => socket.resetAndDestroy()),
    ],
    ['says that it will close it', () => {}],
    ['sends more than the answer', (socket) => socket.write('more')],
  ])(
    'is not reused if the server %s: the next request succeeds over a new connection',
    async (name, after) => {
      const closing = head.replace('ETag', 'Connection: close\r\nETag')
      const { get, sockets } = await relayFrom((socket) => {
        socket.write(name.startsWith('says') ? closing : head)
        socket.write(bytes, () => after(socket))
      })
      for (let time = 0; time < 2; time++) {
        expect((await get()).bytes.equals(bytes)).toBe(true)
        await sleep(20)
      }
      expect(sockets).toHaveLength(2)
    },
  )
})
