import { request } from 'node:http'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call, form } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'

const part = { name: 'request', content: '{"job": "default"}' }
let api: RunningApi

beforeAll(async () => {
  api = await startApi({ default: 'command: ["true"]' })
})
afterAll(() => api?.close())

/** A form's bytes with the given parts, up to the content of an input, which the test sends. */
function beginning(filename: string, ...before: Parameters<typeof form>) {
  const { headers, body } = form(...before, { name: 'input', filename, content: 'MARK' })
  return { headers, body: body.subarray(0, body.indexOf('MARK')) }
}

test('a caller that is still sending gets the refusal at once', async () => {
  const { headers, body } = beginning('../a', part)
  const endless = new PassThrough()
  endless.write(body)
  const sending = setInterval(() => endless.write(Buffer.alloc(10_000)), 20)
  try {
    const answer = await call(api.url, { method: 'POST', path: '/job/deploy', headers, body: endless })
    expect(answer.status).toBe(400)
    expect(answer.json()).toMatchObject({ errors: [{ field: 'input' }] })
  } finally {
    clearInterval(sending)
    endless.destroy()
  }
})

test('an invalid request part is refused before the inputs after it are sent', async () => {
  const { headers, body } = beginning('a', { name: 'request', content: '{"job": "nobody"}' })
  const endless = new PassThrough()
  endless.write(body)
  const sending = setInterval(() => endless.write(Buffer.alloc(10_000)), 20)
  try {
    const answer = await call(api.url, { method: 'POST', path: '/job/deploy', headers, body: endless })
    expect(answer.json()).toMatchObject({ status: 400, errors: [{ field: 'job' }] })
  } finally {
    clearInterval(sending)
    endless.destroy()
  }
})

test('a client disconnect in the middle of an input leaves no object and no job', async () => {
  const { headers, body } = beginning('a.bag', part)
  const { hostname, port } = new URL(api.url)
  const req = request({ hostname, port, method: 'POST', path: '/job/deploy', headers, agent: false })
  req.on('error', () => {})
  req.write(body)
  for (let n = 0; n < 20; n++) {
    req.write(Buffer.alloc(1_000_000))
    await sleep(5)
  }
  req.destroy()
  await expect.poll(() => api.stored()).toEqual([])
  expect((await call(api.url, { path: '/job' })).json()).toMatchObject({ jobs: [] })
})

test('a part may say that its bytes are as they are', async () => {
  const { headers, body } = form(part)
  const disposition = 'Content-Disposition: form-data; name="request"'
  for (const encoding of ['binary', '8bit', '7BIT ']) {
    const named = `${disposition}\r\nContent-Transfer-Encoding: ${encoding}`
    const bytes = Buffer.from(body.toString('latin1').replace(disposition, named), 'latin1')
    const answer = await call(api.url, { method: 'POST', path: '/job/deploy', headers, body: bytes })
    expect(answer.status).toBe(201)
  }
})
