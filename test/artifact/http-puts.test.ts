import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createHttpPuts, type ShortAnswer, type SmallPut } from '../../src/artifact/http-puts.ts'

const timeoutMs = 400
const done = 'HTTP/1.1 200 OK\r\nETag: "x"\r\nContent-Length: 0\r\n\r\n'

/** A server that answers each request, whose body is `body` as a rule, and puts to it. */
async function putsTo(answer: (socket: Socket, request: string, index: number) => unknown, body = 'bytes') {
  const sockets: Socket[] = []
  const requests: string[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    let text = ''
    socket.setNoDelay().on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (!text.endsWith(`\r\n\r\n${body}`)) return
      requests.push(text)
      answer(socket, text, requests.length - 1)
      text = ''
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const puts = createHttpPuts(new URL(`http://127.0.0.1:${port}`), timeoutMs)
  onTestFinished(() => {
    puts.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const headers = { host: 'h', 'content-length': String(body.length) }
  const put = (more: Partial<SmallPut> = {}) =>
    puts.put({ path: '/bucket/key', headers, body: Buffer.from(body, 'latin1'), ...more })
  return { puts, put, sockets, requests }
}

function seen(answer: ShortAnswer | undefined) {
  return answer && [answer.status, answer.header('etag'), answer.text]
}

describe('a small PUT', () => {
  it('sends head and body, and gives status, fields and text of the answer', async () => {
    const { put, requests } = await putsTo((socket) =>
      socket.write('HTTP/1.1 412 No\r\nContent-Length: 5\r\nETag: "x"\r\n\r\n<Err>'),
    )
    expect(seen(await put())).toEqual([412, '"x"', '<Err>'])
    expect(requests).toEqual(['PUT /bucket/key HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nbytes'])
  })

  it('may be empty', async () => {
    const { put } = await putsTo((socket) => socket.write(done), '')
    expect(seen(await put())).toEqual([200, '"x"', ''])
  })

  it('uses one connection after another has been answered, and as many as run at once', async () => {
    const { put, sockets } = await putsTo((socket) => setTimeout(() => socket.write(done), 20))
    for (let time = 0; time < 5; time++) expect(seen(await put())).toEqual([200, '"x"', ''])
    expect(sockets).toHaveLength(1)
    await Promise.all(Array.from({ length: 8 }, () => put()))
    expect(sockets).toHaveLength(8)
    await Promise.all(Array.from({ length: 8 }, () => put()))
    expect(sockets).toHaveLength(8)
  })

  it('gets the whole of an answer that comes in pieces', async () => {
    const { put } = await putsTo((socket) => {
      const text = 'HTTP/1.1 403 No\r\nContent-Length: 300\r\n\r\n'
      socket.write(text.slice(0, 20))
      setTimeout(() => socket.write(`${text.slice(20)}${'a'.repeat(100)}`), 20)
      setTimeout(() => socket.write('b'.repeat(200)), 40)
    })
    expect(seen(await put())).toEqual([403, undefined, 'a'.repeat(100) + 'b'.repeat(200)])
  })

  it.each([
    ['is to be closed', done.replace('ETag', 'Connection: close\r\nETag')],
    ['said more than its answer', `${done}HTTP/1.1 408 Timeout\r\n\r\n`],
  ])('is not followed by another on a connection that %s', async (_, text) => {
    const { put, sockets } = await putsTo((socket) => socket.write(text))
    await put()
    await put()
    expect(sockets).toHaveLength(2)
  })

  it.each([
    ['200 OK', 200],
    ['503 Slow Down', 503],
  ])('is done with an answer %s of unknown length, and its connection too', async (line, status) => {
    const chunked = `HTTP/1.1 ${line}\r\nETag: "x"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`
    const { put, requests, sockets } = await putsTo((socket) => socket.write(chunked))
    expect(seen(await put())).toEqual([status, '"x"', ''])
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
    expect(requests).toHaveLength(1)
  })

  it.each([
    ['is chunked', 'HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<Err>\r\n0\r\n\r\n'],
    ['has no length', 'HTTP/1.1 400 No\r\n\r\n<Err>'],
    ['is long', `HTTP/1.1 400 No\r\nContent-Length: 100000\r\n\r\n${'a'.repeat(100_000)}`],
    ['is of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['comes with another before it', `HTTP/1.1 100 Continue\r\n\r\n${done}`],
  ])('is left to another client where the answer %s', async (_, text) => {
    const { put, sockets } = await putsTo((socket) => socket.write(text))
    expect(await put()).toBeUndefined()
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  })

  it('is left to another client where a connection that was kept is gone, not where a new one ends', async () => {
    const { put, sockets } = await putsTo((socket, _request, index) =>
      index === 0 ? socket.write(done) : socket.resetAndDestroy(),
    )
    expect(seen(await put())).toEqual([200, '"x"', ''])
    expect(await put()).toBeUndefined()
    await expect(put()).rejects.toThrow('ECONNRESET')
    expect(sockets).toHaveLength(2)
  })

  it('takes no connection that the server has closed meanwhile for an answer', async () => {
    const { put, sockets } = await putsTo((socket) => socket.end(done))
    expect(seen(await put())).toEqual([200, '"x"', ''])
    await expect.poll(() => sockets[0]?.readyState).not.toBe('open')
    expect([undefined, '200,"x",']).toContain(seen(await put())?.join())
    expect(seen(await put())).toEqual([200, '"x"', ''])
  })

  it('takes nothing that came unasked on a connection that was kept for its answer', async () => {
    const { put, sockets, requests } = await putsTo((socket, _request, index) => {
      socket.write(done)
      if (index === 0) setTimeout(() => socket.write('HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n'), 20)
    })
    await put()
    await expect.poll(() => sockets[0]?.bytesWritten).toBeGreaterThan(done.length)
    await sleep(50)
    // On a machine that is slow both timers are due at once: what came is read behind them.
    await setImmediate()
    expect(seen(await put())).toEqual([200, '"x"', ''])
    expect([requests.length, sockets.length]).toEqual([2, 2])
  })

  it('fails where nothing is answered in time, on a connection that was kept too', async () => {
    const { put, sockets } = await putsTo((socket, _request, index) => index === 0 && socket.write(done))
    await put()
    await expect(put()).rejects.toThrow('nothing came in time')
    await expect(put()).rejects.toThrow('nothing came in time')
    await expect.poll(() => sockets.every(({ destroyed }) => destroyed)).toBe(true)
  })

  it('fails where the server closes within the answer', async () => {
    const { put } = await putsTo((socket) => socket.end('HTTP/1.1 400 No\r\nContent-Length: 9\r\n\r\n<Err>'))
    await expect(put()).rejects.toThrow('closed within the answer')
  })

  it('rejects with the reason of a signal that is aborted before or meanwhile', async () => {
    const { put, sockets } = await putsTo(() => {})
    const reason = new Error('enough')
    await expect(put({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(sockets).toHaveLength(0)
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 50)
    await expect(put({ signal: controller.signal })).rejects.toBe(reason)
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  })

  it('rejects with it where the connection was kept, too', async () => {
    const { put } = await putsTo((socket, _request, index) => index === 0 && socket.write(done))
    await put()
    const reason = new Error('enough')
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 50)
    await expect(put({ signal: controller.signal })).rejects.toBe(reason)
  })

  it('sends no request with a line break in it', async () => {
    const { put, sockets } = await putsTo((socket) => socket.write(done))
    await expect(put({ path: '/a\r\nb' })).rejects.toThrow('line break')
    await expect(put({ headers: { host: 'h\n' } })).rejects.toThrow('line break')
    expect(sockets).toHaveLength(0)
  })
})

describe('connections that were kept', () => {
  it('end when all is closed', async () => {
    const { puts, put, sockets } = await putsTo((socket) => socket.write(done))
    await put()
    puts.close()
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  })

  it('end by themselves a few seconds after they were used last', async () => {
    const { put, sockets } = await putsTo((socket) => socket.write(done))
    await put()
    await expect.poll(() => sockets[0]?.destroyed, { timeout: 8000 }).toBe(true)
  }, 10_000)
})
