import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { type EndpointAccess, serveEndpoint } from '../../../sidecar/endpoint/uploader-endpoint.ts'
import { endHeaders, isProofOfEnd, signEnd } from '../../../src/job/end-call.ts'
import { systemClock } from '../../../src/util/clock.ts'
import { createLog } from '../../../src/util/log.ts'
import { defined } from '../../../src/util/objects.ts'
import { freePort } from '../../support/free-port.ts'
import { eventually } from '../../support/time/eventually.ts'
import { manualClock } from '../../support/time/manual-clock.ts'

const log = createLog('test', 'silent')
const port = await freePort()
const url = `http://127.0.0.1:${port}`
const attempt = 'pod-1'
const own = { port, attempt, preStopToken: 'the-token', endKey: 'key' }
const former = { port, attempt, formerToken: 'the-token' }

function start(access: EndpointAccess = own, clock = systemClock) {
  const state = { stops: 0, reason: 'fetching the inputs' as string | undefined, ends: [] as string[] }
  const endpoint = {
    notReady: () => state.reason,
    onStop: () => {
      state.stops += 1
    },
    onEnd: (text: string) => void state.ends.push(text),
  }
  onTestFinished(serveEndpoint(access, endpoint, log, clock))
  return state
}

const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${url}${path}`, { method: 'POST', body, headers })

function signed(body: string, { at = Date.now(), key = 'key', pod = attempt } = {}) {
  const signature = signEnd(key, { attempt: pod, at, body })
  return { [endHeaders.time]: String(at), [endHeaders.signature]: signature }
}

it('answers 503 with the current step until the worker may start', async () => {
  const state = start()
  const before = await eventually(() => fetch(`${url}/ready`))
  expect([before.status, await before.text()]).toEqual([503, 'fetching the inputs\n'])
  state.reason = undefined
  expect((await fetch(`${url}/ready`)).status).toBe(200)
})

it.each([
  ['of its own', own],
  ['of a pod of version 0.2', former],
])('accepts GET /stop with the right token %s, and nothing else', async (_, access) => {
  const state = start(access)
  await eventually(() => fetch(`${url}/ready`))
  const statuses: number[] = []
  for (const [method, path] of [
    ['GET', '/stop/the-token'],
    ['GET', '/stop/the-toke'],
    ['GET', '/stop/'],
    ['GET', '/stop/the-token/'],
    ['POST', '/stop/the-token'],
    ['HEAD', '/ready'],
    ['GET', '/end'],
    ['GET', '/end/the-token'],
    ['GET', '/'],
  ]) {
    statuses.push((await fetch(`${url}${path}`, defined({ method }))).status)
  }
  expect(statuses).toEqual([200, ...Array<number>(8).fill(404)])
  expect(state.stops).toBe(1)
})

it('accepts POST /end with a signature and a bounded body, and proves that it received it', async () => {
  const state = start()
  await eventually(() => fetch(`${url}/ready`))
  const body = '{"outcome":"deleted"}'
  const headers = signed(body)
  const answer = await post('/end', body, headers)
  expect(answer.status).toBe(200)
  const proof = answer.headers.get(endHeaders.proof)
  expect(isProofOfEnd('key', headers[endHeaders.signature] ?? '', proof)).toBe(true)
  const long = 'x'.repeat(20_000)
  expect((await post('/end', long, signed(long))).status).toBe(413)
  expect(state.ends).toEqual([body])
})

it('refuses POST /end with a wrong signature, for another pod, or of another time, and tells which', async () => {
  const state = start()
  await eventually(() => fetch(`${url}/ready`))
  const refusals: string[] = []
  for (const headers of [
    {},
    signed('other'),
    signed('x', { key: 'the-token' }),
    signed('x', { pod: 'pod-2' }),
    signed('x', { at: Date.now() - 600_000 }),
  ]) {
    const answer = await post('/end', 'x', headers)
    expect([answer.status, answer.headers.get(endHeaders.proof)]).toEqual([401, null])
    refusals.push(await answer.text())
  }
  expect(refusals.slice(0, 4)).toEqual(Array(4).fill('the signature is wrong\n'))
  expect(refusals[4]).toMatch(/^signed 600 s from now/)
  expect(state.ends).toEqual([])
})

it.each([
  ['with a key', own, 401],
  ['without a key', { port, attempt, preStopToken: 'the-token' }, 404],
])('accepts no token for POST /end %s', async (_, access, unsigned) => {
  const state = start(access)
  await eventually(() => fetch(`${url}/ready`))
  expect((await post('/end/the-token', 'x')).status).toBe(404)
  expect((await post('/end', 'x', signed('x', { key: 'the-token' }))).status).toBe(unsigned)
  expect(state.ends).toEqual([])
})

it('accepts POST /end with the token of a pod of version 0.2', async () => {
  const state = start(former)
  await eventually(() => fetch(`${url}/ready`))
  expect((await post('/end/the-token', '{"outcome":"deleted"}')).status).toBe(200)
  expect((await post('/end/the-toke', 'x')).status).toBe(404)
  expect((await post('/end/the-token', 'x'.repeat(20_000))).status).toBe(413)
  expect(state.ends).toEqual(['{"outcome":"deleted"}'])
})

it('opens the port as soon as it is free, and logs once that it is taken', async () => {
  const other = createServer().listen(port)
  await once(other, 'listening')
  const clock = manualClock()
  start(own, clock)
  for (let tries = 0; tries < 3; tries += 1) {
    await eventually(() => expect(clock.pending).toBe(1), { every: 1 })
    await clock.advance(1000)
  }
  await eventually(() => expect(clock.pending).toBe(1), { every: 1 })
  other.close()
  await once(other, 'close')
  await clock.advance(1000)
  expect((await eventually(() => fetch(`${url}/ready`), { every: 5 })).status).toBe(503)
})
