import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import express, { type Express } from 'express'
import { expect, it } from 'vitest'
import { collectBytes } from '../../../src/http/input/body.ts'
import { BodyBudget, BodyCharge } from '../../../src/http/limits/body-budget.ts'
import { bodyLimits } from '../../../src/http/limits/body-limits.ts'
import { type ClientLimits, defaultLimits } from '../../../src/http/limits/client-limits.ts'
import { Downloads, downloadLimits } from '../../../src/http/limits/downloads.ts'
import { createLimitedServer } from '../../../src/http/limits/server-limits.ts'
import { clientDisconnect } from '../../../src/http/server/client-disconnect.ts'
import { oneAtATime } from '../../../src/http/server/one-at-a-time.ts'
import { sendAnswer } from '../../../src/http/server/send-answer.ts'
import type { Body } from '../../../src/results/serve/answer.ts'
import { systemClock } from '../../../src/util/clock.ts'
import { createLog } from '../../../src/util/log.ts'
import { get, rawClient } from '../../support/api/raw-client.ts'
import { listenForTest } from '../../support/listen.ts'
import { manualClock } from '../../support/time/manual-clock.ts'

const post = (length: number, more = '') =>
  `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n${more}`

it('ends a stalled body with 408, but not a slow one that keeps arriving', async () => {
  const clock = manualClock()
  let received = 0
  const routes = (app: Express) => {
    app.post('/', async (req, res) => {
      let bytes = 0
      for await (const chunk of req) {
        bytes += (chunk as Buffer).length
        received += (chunk as Buffer).length
      }
      res.json(bytes)
    })
  }
  const url = await serve({ body: 400, bodyBytes: 100 }, routes, clock)
  const still = await rawClient(url, post(1000, 'x'.repeat(500)))
  const coming = await rawClient(url, post(1000))
  for (let n = 1; n <= 10; n += 1) {
    coming.socket.write('x'.repeat(100))
    await expect.poll(() => received, { interval: 1 }).toBe(500 + n * 100)
    await clock.advance(100)
  }
  await still.over
  expect(still.text()).toMatch(/^HTTP\/1\.1 408 .*urn:jobferry:error:request-timeout/s)
  await expect.poll(() => coming.text()).toMatch(/^HTTP\/1\.1 200 .*1000$/s)
  coming.socket.destroy()
})

it('never ends a body because the API itself reads late', async () => {
  const clock = manualClock()
  const routes = (app: Express) => {
    app.post('/', async (req, res) => {
      await expect.poll(() => req.readableLength).toBeGreaterThan(0)
      await clock.advance(3500)
      await once(req.resume(), 'end')
      res.json('read')
    })
  }
  const url = await serve({ body: 1000, bodyBytes: 1000 }, routes, clock)
  const { socket, text } = await rawClient(url, post(1_000_000))
  socket.write(Buffer.alloc(1_000_000))
  await expect.poll(text).toMatch(/^HTTP\/1\.1 200 /)
  socket.destroy()
})

it.each([
  ['408', 'x'.repeat(10), { body: 300 }],
  ['its end of the connection', 'FIN', {}],
])('ends the reading of a body after %s', async (_, sent, limits) => {
  const ends: string[] = []
  const url = await serve(limits, (app) => {
    app.post('/', async (req) => {
      await collectBytes(req, 'body', new BodyCharge(new BodyBudget(2 ** 20))).catch((error: Error) =>
        ends.push(error.message),
      )
    })
  })
  const { socket, over } = await rawClient(url, post(1000, sent))
  if (sent === 'FIN') socket.resetAndDestroy()
  await over
  await expect.poll(() => ends).toHaveLength(1)
})

it('leaves no timer behind for bodies that were answered before they came', async () => {
  const clock = manualClock()
  const routes = (app: Express) => {
    app.post('/', (_req, res) => void res.json('answered'))
  }
  const url = await serve({}, routes, clock)
  for (let n = 0; n < 50; n += 1) {
    const { socket, over, text } = await rawClient(url, post(1000))
    await expect.poll(text, { interval: 1 }).toMatch(/answered/)
    expect(clock.pending).toBeGreaterThan(0)
    socket.resetAndDestroy()
    await over
  }
  await expect.poll(() => clock.pending).toBe(0)
})

it('starts a pipelined request after the answer before it, and none after a client disconnect', async () => {
  const seen: string[] = []
  const gone: string[] = []
  const url = await serve({}, (app) => {
    app.get('/:name', async (req, res) => {
      const { name } = req.params
      seen.push(`${name} begins`)
      clientDisconnect(res).addEventListener('abort', () => gone.push(name))
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
  await expect.poll(() => seen).toEqual(inTurn)
  await expect.poll(() => text().match(/"[ab]"/g)).toEqual(['"a"', '"b"'])
  socket.resetAndDestroy()
  await expect.poll(() => gone).toEqual(['stays'])
  await sleep(300)
  expect(seen).toEqual(inTurn)
})

it('writes no error into a running answer if malformed HTTP follows the pipelined requests', async () => {
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

it('closes a connection with too many waiting requests', async () => {
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
  ['HTTP/1.0 without a length, where a close ends the body', '1.0', {}],
  ['HTTP/1.0 with a length', '1.0', { 'Content-Length': '100000' }],
  ['HTTP/1.1 in chunks', '1.1', {}],
])(
  'resets the connection if an answer breaks off, so that it never looks complete: %s',
  async (_, version, headers) => {
    const url = await serve({}, (app) => {
      app.get('/', async (_req, res) => {
        const body: Body = async (sink) => {
          await sink(Buffer.alloc(1000, 'x'))
          await sleep(50)
          throw new Error('the store broke off')
        }
        const services = { downloads: new Downloads(downloadLimits(1, 1)), log: createLog('test', 'silent') }
        await sendAnswer(res, { status: 200, headers, body }, services).catch(() => {})
      })
    })
    const { over, text } = await rawClient(url, get('/', [], version))
    expect(await over).toBe('ECONNRESET')
    expect(text()).not.toMatch(/\r\n0\r\n\r\n$/)
  },
)

/** Serves the routes with the given limits; resolves with the URL. */
async function serve(
  limits: Partial<ClientLimits>,
  routes: (app: Express) => void,
  clock = systemClock,
): Promise<string> {
  const all = { ...defaultLimits, ...limits }
  const app = express()
  app.use(oneAtATime(all), bodyLimits(all, clock))
  routes(app)
  return await listenForTest(createLimitedServer(app, all))
}
