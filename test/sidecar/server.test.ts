import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { serve } from '../../sidecar/server.ts'
import { createLog } from '../../src/log.ts'
import { eventually } from '../support/eventually.ts'

const log = createLog('test', 'silent')
const port = 47321
const url = `http://127.0.0.1:${port}`

function start(): { stops: number; reason: string | undefined; ends: string[] } {
  const state = { stops: 0, reason: 'fetching the inputs' as string | undefined, ends: [] as string[] }
  const endpoint = {
    notReady: () => state.reason,
    onStop: () => {
      state.stops += 1
    },
    onEnd: (text: string) => void state.ends.push(text),
  }
  onTestFinished(serve(port, 'the-token', endpoint, log))
  return state
}

it('says what is awaited until the worker may start', async () => {
  const state = start()
  const before = await eventually(() => fetch(`${url}/ready`))
  expect([before.status, await before.text()]).toEqual([503, 'fetching the inputs\n'])
  state.reason = undefined
  expect((await fetch(`${url}/ready`)).status).toBe(200)
})

it('hears the hook with the right token, and nothing else', async () => {
  const state = start()
  await eventually(() => fetch(`${url}/ready`))
  const statuses: number[] = []
  for (const [method, path] of [
    ['GET', '/stop/the-token'],
    ['GET', '/stop/the-toke'],
    ['GET', '/stop/'],
    ['GET', '/stop/the-token/'],
    ['POST', '/stop/the-token'],
    ['HEAD', '/ready'],
    ['GET', '/'],
  ]) {
    statuses.push((await fetch(`${url}${path}`, method === undefined ? {} : { method })).status)
  }
  expect(statuses).toEqual([200, 404, 404, 404, 404, 404, 404])
  expect(state.stops).toBe(1)
})

it('hears an end with the right token, of a bounded length', async () => {
  const state = start()
  await eventually(() => fetch(`${url}/ready`))
  const post = async (path: string, body: string) =>
    (await fetch(`${url}${path}`, { method: 'POST', body })).status
  expect(await post('/end/the-token', '{"outcome":"deleted"}')).toBe(200)
  expect(await post('/end/the-toke', 'x')).toBe(404)
  expect((await fetch(`${url}/end/the-token`)).status).toBe(404)
  expect(await post('/end/the-token', 'x'.repeat(20_000))).toBe(413)
  expect(state.ends).toEqual(['{"outcome":"deleted"}'])
})

it('takes the port as soon as it is free', async () => {
  const other = createServer().listen(port)
  await once(other, 'listening')
  start()
  other.close()
  expect((await eventually(() => fetch(`${url}/ready`))).status).toBe(503)
})
