import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Sink } from '../../../../src/util/sink.ts'
import { bytes, head, relayFrom, shortMs } from './relay-from.ts'

const silence = 'nothing came in time'
/** Only a test of silence waits for it: another fails if the machine stands still for so long. */
const timeoutFor = (message: string) => (message === silence ? shortMs : undefined)

describe('a relay that fails', () => {
  it.each<[string, (socket: Socket) => unknown, string]>([
    ['closes before its answer', (socket) => socket.end(), 'closed before an answer'],
    ['closes within the head', (socket) => socket.end(head.slice(0, 20)), 'closed before an answer'],
    ['resets', (socket) => socket.resetAndDestroy(), 'ECONNRESET'],
    ['never answers', () => {}, silence],
  ])('rejects if the server %s', async (_, answer, message) => {
    const { get, sockets } = await relayFrom(answer, timeoutFor(message))
    await expect(get()).rejects.toThrow(message)
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  })

  it.each<[string, (socket: Socket) => unknown, string]>([
    ['closes', (socket) => socket.end(), '2900000 bytes before the end'],
    ['falls silent', () => {}, silence],
  ])('ends the body with an error if the server %s in its middle', async (_, then, message) => {
    const { get } = await relayFrom((socket) => {
      socket.write(head)
      socket.write(bytes.subarray(0, 100_000), () => then(socket))
    }, timeoutFor(message))
    await expect(get()).rejects.toThrow(message)
  })

  it.each([
    ['is chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['ends with its connection', 'HTTP/1.1 200 OK\r\n\r\nabc'],
    ['is HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc'],
    ['is not HTTP', '220 mail\r\n\r\n'],
    ['has an endless head', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(9000)}`],
  ])('resolves with false, for another client to read the answer, if it %s', async (_, text) => {
    const { relay, sockets } = await relayFrom((socket) => socket.write(text))
    const sinkFor = () => expect.fail('a sink was asked for')
    expect(await relay.get({ path: '/', headers: { host: 'h' } }, sinkFor)).toBe(false)
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  })

  it("rejects with the signal's reason before the request, during the wait and during the body", async () => {
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
    const abort: Sink = async () => controller.abort(reason)
    await expect(get({ signal: controller.signal }, abort)).rejects.toBe(reason)
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  })

  it('ends every connection on close()', async () => {
    const { relay, get, sockets } = await relayFrom((socket) => socket.write(head))
    const answer = get()
    await expect.poll(() => sockets.length).toBe(1)
    await sleep(20)
    relay.close()
    await expect(answer).rejects.toThrow('before the end')
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  })

  it('sends no request with a blank in its path or a line break in a header', async () => {
    const { get, sockets } = await relayFrom(() => {})
    await expect(get({ path: '/a b' })).rejects.toThrow('line break')
    await expect(get({ headers: { host: 'h\r\nx: y' } })).rejects.toThrow('line break')
    expect(sockets).toHaveLength(0)
  })
})
