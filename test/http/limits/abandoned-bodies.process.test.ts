import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type ApiProcess, startApiProcess } from '../../support/api/api-process.ts'
import { rawClient } from '../../support/api/raw-client.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { residentBytes } from '../../support/process-facts.ts'

const mebibyte = 1024 * 1024
const withBody = (line: string, length: number, more = '') =>
  `${line} HTTP/1.1\r\nHost: localhost\r\n${more}Content-Length: ${length}\r\n\r\n`

it('keeps no memory for bodies that never come, and SIGTERM still ends it at once', async () => {
  const api = await start()
  const unsent = withBody('GET /health/live', 10)
  // The heap has its size by then: what grows later is kept.
  await leave(api.url, unsent, 2000)
  const before = await residentBytes(api.pid)
  await leave(api.url, unsent, 2000)
  expect((await residentBytes(api.pid)) - before).toBeLessThan(40 * mebibyte)
  expect(await secondsToEnd(api)).toBeLessThan(60)
})

it.each([
  ['400', 'POST /job/none/cancel', ''],
  ['401', 'POST /job/deploy', ''],
  ['404', 'POST /nothing', 'Authorization: Bearer a\r\n'],
])('ends in time on SIGTERM after a body of 20 MB was answered %s unread', async (status, line, more) => {
  // SHA-256 of "a".
  const sha256 = 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'
  const api = await start(status === '400' ? {} : { API_TOKENS: `ci:${sha256}` })
  const { socket, text } = await rawClient(api.url, withBody(line, 20_000_000, more))
  socket.on('error', () => {})
  socket.write(Buffer.alloc(20_000_000))
  await expect.poll(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  expect(await secondsToEnd(api)).toBeLessThan(60)
})

it('outlives an upload that is refused before its end, or whose caller leaves while it is admitted', async () => {
  const api = await start()
  const refused = withBody('PUT /upload/%00', 1000)
  const { socket, text, over } = await rawClient(api.url, `${refused}begin`)
  await expect.poll(text).toMatch(/^HTTP\/1\.1 400 /)
  socket.resetAndDestroy()
  await over
  for (let n = 0; n < 50; n += 1) {
    const { socket } = await rawClient(api.url, `${withBody(`PUT /upload/n${n}`, 1000)}begin`)
    socket.resetAndDestroy()
  }
  expect((await fetch(`${api.url}/health/live`)).status).toBe(200)
  expect(await api.stop()).toBe(0)
})

it('reads the rest of a refused upload, so that its connection goes on', async () => {
  const api = await start()
  const { socket, text } = await rawClient(api.url, withBody('PUT /upload/%00', 20_000_000))
  await expect.poll(text).toMatch(/^HTTP\/1\.1 400 /)
  socket.write(Buffer.alloc(20_000_000))
  socket.write('GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await expect.poll(text).toMatch(/HTTP\/1\.1 200 /)
  socket.destroy()
})

async function start(settings: Readonly<Record<string, string>> = {}): Promise<ApiProcess> {
  const directory = temporaryFolder()
  const api = await startApiProcess({
    DATA_DIRECTORY: join(directory, 'data'),
    LOG_LEVEL: 'info',
    // Longer than any end that is not waited for takes on a slow machine.
    SHUTDOWN_SECONDS: '120',
    ...settings,
  })
  onTestFinished(() => api.kill())
  return api
}

/** Sends the bytes on `count` connections, each closed once its answer begins. */
async function leave(url: string, bytes: string, count: number): Promise<void> {
  let left = count
  const one = async () => {
    while (left-- > 0) {
      const { socket, over } = await rawClient(url, bytes)
      socket.once('data', () => socket.resetAndDestroy())
      await over
    }
  }
  await Promise.all(Array.from({ length: 50 }, one))
}

async function secondsToEnd(api: ApiProcess): Promise<number> {
  const began = performance.now()
  expect(await api.stop()).toBe(0)
  return (performance.now() - began) / 1000
}
