import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { staticCredentials } from '../../../src/store/s3/s3-credentials.ts'
import { createS3Http, type S3Request } from '../../../src/store/s3/s3-http.ts'
import { expectKind } from '../conformance/store.conformance.ts'

const timeoutMs = 400
const stored = 'HTTP/1.1 200 OK\r\nETag: "x"\r\nContent-Length: 0\r\n\r\n'

/** A server that calls `answer` after each request with the body `bytes`, and a PUT to it. */
async function putsTo(answer: (socket: Socket, index: number) => unknown) {
  const sockets: Socket[] = []
  const requests: string[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    let text = ''
    socket.setNoDelay().on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (!text.endsWith('\r\n\r\nbytes')) return
      requests.push(text)
      answer(socket, requests.length - 1)
      text = ''
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const endpoint = `http://127.0.0.1:${port}`
  const credentials = staticCredentials('key', 'secret')
  const http = createS3Http({ endpoint, bucket: 'b', region: 'us-east-1', credentials, timeoutMs })
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await http.close()
  })
  const put = (more: Partial<S3Request> = {}) =>
    http.call({ method: 'PUT', key: 'key', body: Buffer.from('bytes'), ...more })
  return { put, sockets, requests }
}

describe('a small PUT', () => {
  it('reuses connections after their answer', async () => {
    const { put, sockets, requests } = await putsTo((socket) => setTimeout(() => socket.write(stored), 20))
    for (let time = 0; time < 5; time++) expect((await put()).header('etag')).toBe('"x"')
    expect(requests[0]).toMatch(/^PUT \/b\/key HTTP\/1\.1\r\n.*content-length: 5\r\n/s)
    // undici frees a connection one turn of the event loop after its answer: the next PUT may open
    // a second one.
    expect(sockets.length).toBeLessThanOrEqual(2)
    for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: 8 }, () => put()))
    expect(sockets.length).toBeLessThanOrEqual(16)
  })

  it.each([
    ['a chunked body', 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a body until the end of the connection', '\r\nbody'],
  ])(
    'resolves on 200 and is `unavailable` on 503, after one request, if the answer has %s',
    async (_, rest) => {
      const lines = ['200 OK', '503 Slow Down']
      const { put, requests } = await putsTo((socket, index) => {
        socket.write(`HTTP/1.1 ${lines[index]}\r\nETag: "x"\r\n${rest}`)
        if (rest.startsWith('\r\n')) socket.end()
      })
      expect((await put()).header('etag')).toBe('"x"')
      await expectKind(put(), 'unavailable')
      expect(requests).toHaveLength(2)
    },
  )

  it('reads the answer of an HTTP/1.0 server, and an answer in pieces', async () => {
    const { put } = await putsTo((socket, index) => {
      if (index === 0) return socket.end('HTTP/1.0 200 OK\r\nETag: "x"\r\n\r\n')
      socket.write(stored.slice(0, 20))
      return setTimeout(() => socket.write(stored.slice(20)), 20)
    })
    expect((await put()).header('etag')).toBe('"x"')
    expect((await put()).header('etag')).toBe('"x"')
  })

  it("fails with the kind of S3's error code and S3's message", async () => {
    const xml = '<Error><Code>QuotaExceeded</Code><Message>no room</Message></Error>'
    const { put } = await putsTo((socket) =>
      socket.write(`HTTP/1.1 403 No\r\nContent-Length: ${xml.length}\r\n\r\n${xml}`),
    )
    await expectKind(put(), 'full')
    await expect(put()).rejects.toThrow('PUT b/key: 403 QuotaExceeded: no room')
  })

  it.each<[string, (socket: Socket) => unknown]>([
    ['ends the connection without an answer', (socket) => socket.end()],
    ['resets the connection', (socket) => socket.resetAndDestroy()],
    [
      'ends the connection within the answer',
      (socket) => socket.end('HTTP/1.1 400 No\r\nContent-Length: 9\r\n\r\n<Err>'),
    ],
    ['answers nothing in time', () => {}],
  ])('is `unavailable`, after one request, if the server of a reused connection %s', async (_, fail) => {
    const { put, requests } = await putsTo((socket, index) =>
      index === 0 ? socket.write(stored) : fail(socket),
    )
    await put()
    await expectKind(put(), 'unavailable')
    expect(requests).toHaveLength(2)
  })

  it('ignores an unsolicited answer on an idle connection', async () => {
    const { put, sockets } = await putsTo((socket, index) =>
      socket.write(index === 0 ? `${stored}HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n` : stored),
    )
    await put()
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
    expect((await put()).header('etag')).toBe('"x"')
    expect(sockets).toHaveLength(2)
  })

  it("rejects with the signal's reason, before the request and during it", async () => {
    const { put, sockets } = await putsTo(() => {})
    const reason = new Error('stop')
    await expect(put({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(sockets).toHaveLength(0)
    const controller = new AbortController()
    const putting = put({ signal: controller.signal })
    await expect.poll(() => sockets.length).toBe(1)
    controller.abort(reason)
    await expect(putting).rejects.toBe(reason)
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  })

  it('sends no request with a line break in a header', async () => {
    const { put, sockets } = await putsTo((socket) => socket.write(stored))
    await expect(put({ headers: { 'if-match': 'a\r\nb: c' } })).rejects.toThrow()
    expect(sockets).toHaveLength(0)
  })
})
