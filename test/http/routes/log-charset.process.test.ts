import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'

const jobs = {
  latin: String.raw`printf 'M\374ller\n'`,
  'latin-end': String.raw`printf 'caf\351'`,
  utf8: String.raw`printf 'M\303\274ller\n'`,
  silent: 'true',
}
let api: RunningApi

beforeAll(async () => {
  const files = Object.entries(jobs).map(([name, script]) => [
    name,
    `command: ["sh", "-c", ${JSON.stringify(script)}]`,
  ])
  api = await startApi(Object.fromEntries(files))
}, 60_000)
afterAll(() => api?.close())

test.each([
  ['latin', 'text/plain', Buffer.from('M\xfcller\n', 'latin1')],
  ['latin-end', 'text/plain', Buffer.from('caf\xe9', 'latin1')],
  ['utf8', 'text/plain; charset=utf-8', Buffer.from('Müller\n')],
  ['silent', 'text/plain; charset=utf-8', Buffer.of()],
])('the log of the job %s is sent as %s', async (name, type, bytes) => {
  const { job_uuid: uuid } = (await call(api.url, { path: `/job/deploy?job=${name}&wait=30` })).json() as {
    job_uuid: string
  }
  for (const query of ['', '?follow=true', '?tail=5']) {
    const log = await call(api.url, { path: `/job/${uuid}/log${query}` })
    expect(log.headers['content-type']).toBe(type)
    expect(log.body).toEqual(bytes)
    const head = await call(api.url, { method: 'HEAD', path: `/job/${uuid}/log${query}` })
    expect(head.headers['content-type']).toBe(type)
  }
})
