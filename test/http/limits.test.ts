import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import express, { type Express } from 'express'
import { expect, it, onTestFinished } from 'vitest'
import { bodyLimits } from '../../src/http/body-limits.ts'
import { Downloads } from '../../src/http/downloads.ts'
import { callerGone } from '../../src/http/gone.ts'
import { defaultLimits, type Limits } from '../../src/http/limits.ts'
import { oneAtATime } from '../../src/http/one-at-a-time.ts'
import { sendAnswer } from '../../src/http/send-answer.ts'
import { createLimitedServer } from '../../src/http/server-limits.ts'
import { createLog } from '../../src/log.ts'
import { get, rawClient } from '../support/raw-client.ts'

const post = (length: number, more = '') =>
  `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n${more}`

it('ends a body that stands still with 408, and not one that is slow and comes', async () => {
  const url = await serve({ body: 400, bodyBytes: 100 }, (app) => {
    app.post('/', async (req, res) => {
      let bytes = 0
      for await (const chunk of req) bytes += (chunk as Buffer).length
      res.json(bytes)
    })
  })
  const still = await rawClient(url, post(1000, 'x'.repeat(500)))
  const coming = await rawClient(url, post(1000))
  for (let n = 0; n < 10; n += 1) {
    coming.socket.write('x'.repeat(100))
    await sleep(100)
  }
  await still.over
  expect(still.text()).toMatch(/^HTTP\/1\.1 408 .*urn:jobferry:error:request-timeout/s)
  await expect.poll(() => coming.text()).toMatch(/^HTTP\/1\.1 200 .*1000$/s)
  coming.socket.destroy()
})

it('never ends a body for what the API itself does not read', async () => {
  const url = await serve({ body: 1000, bodyBytes: 1000 }, (app) => {
    app.post('/', async (req, res) => {
      await sleep(3500)
      await once(req.resume(), 'end')
      res.json('read')
    })
  })
  const { socket, text } = await rawClient(url, post(1_000_000))
  socket.write(Buffer.alloc(1_000_000))
  await expect.poll(text, { timeout: 10_000 }).toMatch(/^HTTP\/1\.1 200 /)
  socket.destroy()
})

it('begins with a pipelined request once the one before is answered, and with none whose caller has gone', async () => {
  const seen: string[] = []
  const gone: string[] = []
  const url = await serve({}, (app) => {
    app.get('/:name', async (req, res) => {
      const { name } = req.params
      seen.push(`${name} begins`)
      callerGone(res).addEventListener('abort', () => gone.push(name))
      await sleep(100)
      if (name === 'stays') return
      seen.push(`${name} ends`)
      res.json(name)
    })
  })
  const { socket, text } = await rawClient(
    url,
    ['a', 'b', 'stays', 'c'].map((name) => get(`/${name}`)).join(''),
  )
  const inTurn = ['a begins', 'a ends', 'b begins', 'b ends', 'stays begins']
  await expect.poll(() => seen, { timeout: 10_000 }).toEqual(inTurn)
  await expect.poll(() => text().match(/"[ab]"/g), { timeout: 10_000 }).toEqual(['"a"', '"b"'])
  socket.resetAndDestroy()
  await expect.poll(() => gone, { timeout: 10_000 }).toEqual(['stays'])
  await sleep(300)
  expect(seen).toEqual(inTurn)
})

it('writes no error into the answer before, where what follows behind a pipelined request is no HTTP', async () => {
  const url = await serve({}, (app) => {
    app.get('/', async (_req, res) => {
      res.writeHead(200, { 'Content-Length': '2000' })
      res.write('x'.repeat(1000))
      await sleep(200)
      res.end('x'.repeat(1000))
    })
  })
  const { over, text } = await rawClient(url, `${get('/').repeat(2)}this is no HTTP\r\n\r\n`)
  await over
  expect(text()).not.toContain('problem')
})

it('cuts a connection on which too many requests wait', async () => {
  const url = await serve({ pipelined: 5 }, (app) => {
    app.get('/', () => undefined)
  })
  const few = await rawClient(url, get('/').repeat(6))
  const many = await rawClient(url, get('/').repeat(7))
  expect(await many.over).not.toBe('')
  expect(few.socket.readyState).toBe('open')
  few.socket.destroy()
})

it.each([
  ['HTTP/1.0 without a length, which knows no other end', '1.0', {}],
  ['HTTP/1.0 with a length', '1.0', { 'Content-Length': '100000' }],
  ['HTTP/1.1 in chunks', '1.1', {}],
])('never lets an answer that broke off pass for whole: %s', async (_, version, headers) => {
  const url = await serve({}, (app) => {
    app.get('/', async (_req, res) => {
      async function* body() {
        yield Buffer.alloc(1000, 'x')
        await sleep(50)
        throw new Error('the store broke off')
      }
      const services = { downloads: new Downloads(1), log: createLog('test', 'silent') }
      await sendAnswer(res, { status: 200, headers, body: body() }, services).catch(() => {})
    })
  })
  const { over, text } = await rawClient(url, get('/', [], version))
  expect(await over).toBe('ECONNRESET')
  expect(text()).not.toMatch(/\r\n0\r\n\r\n$/)
})

/** The routes behind what holds clients to their limits. */
async function serve(limits: Partial<Limits>, routes: (app: Express) => void): Promise<string> {
  const all = { ...defaultLimits, ...limits }
  const app = express()
  app.use(oneAtATime(all), bodyLimits(all))
  routes(app)
  const server = createLimitedServer(app, all)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
