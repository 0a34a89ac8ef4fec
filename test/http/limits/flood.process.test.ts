import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { type ApiProcess, startApiProcess } from '../../support/api/api-process.ts'
import { type RawClient, rawClient } from '../../support/api/raw-client.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { residentBytes } from '../../support/process-facts.ts'

const mebibyte = 1024 * 1024
const post = (path: string, type: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`

it('answers probes on their own port while idle connections take all of the other port', async () => {
  const { api, probeUrl } = await start({ CONNECTIONS_MAX: '100', PROBE_PORT: '0' })
  const idle = await open(api.url, 130)
  await expect.poll(() => idle.filter(isOpen).length).toBe(100)
  await expect(fetch(`${api.url}/health/live`)).rejects.toThrow()
  const idleProbes = await open(probeUrl, 130)
  for (const path of ['/health/live', '/health/ready', '/health', '/metrics']) {
    expect((await fetch(probeUrl + path, { headers: { connection: 'close' } })).status).toBe(200)
  }
  expect((await fetch(`${probeUrl}/job`)).status).toBe(404)
  for (const { socket } of [...idle, ...idleProbes]) socket.destroy()
})

it('closes the connections of one address beyond its limit, but not those of a trusted proxy', async () => {
  const limit = { CONNECTIONS_MAX_PER_ADDRESS: '20' }
  const { api } = await start(limit)
  const some = await open(api.url, 30)
  await expect.poll(() => some.filter(isOpen).length).toBe(20)
  some.find(isOpen)?.socket.destroy()
  await expect.poll(async () => (await fetch(`${api.url}/health/live`)).status).toBe(200)
  expect(api.log.filter((line) => line.includes('CONNECTIONS_MAX_PER_ADDRESS'))).toHaveLength(1)

  const proxied = await start({ ...limit, TRUSTED_PROXIES: '127.0.0.0/8' })
  const many = await open(proxied.api.url, 30)
  await sleep(200)
  expect(many.filter(isOpen)).toHaveLength(30)
  for (const { socket } of [...some, ...many]) socket.destroy()
})

it.each([
  ['/token', 'application/x-www-form-urlencoded', '413'],
  ['/job/deploy', 'application/json', '503'],
  ['/job/deploy', 'multipart/form-data; boundary=x', '503'],
])('keeps a bounded part of 300 bodies of 990 KB for POST %s (%s)', async (path, type, status) => {
  const { api } = await start({})
  const before = await residentBytes(api.pid)
  const clients = await open(api.url, 300)
  const part = type.includes('boundary')
    ? '--x\r\nContent-Disposition: form-data; name="request"\r\n\r\n'
    : ''
  const body = Buffer.alloc(990_000, 'a')
  for (const { socket } of clients) {
    socket.write(post(path, type, 995_000) + part)
    socket.write(body)
  }
  const refused = () => clients.filter(({ text }) => text().startsWith(`HTTP/1.1 ${status} `)).length
  await expect.poll(refused).toBeGreaterThan(260)
  expect((await residentBytes(api.pid)) - before).toBeLessThan(200 * mebibyte)
  for (const { socket } of clients) socket.destroy()
  await expect
    .poll(async () => {
      const json = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"job": "none"}',
      }
      return (await fetch(`${api.url}/job/deploy`, json)).status
    })
    .toBe(400)
})

async function start(
  settings: Readonly<Record<string, string>>,
): Promise<{ api: ApiProcess; probeUrl: string }> {
  const directory = temporaryFolder()
  const api = await startApiProcess({ DATA_DIRECTORY: join(directory, 'data'), ...settings })
  onTestFinished(() => api.kill())
  const ready = api.log.map((line) => JSON.parse(line) as { msg: string; probeUrl?: string })
  return { api, probeUrl: ready.find(({ msg }) => msg === 'ready')?.probeUrl ?? '' }
}

async function open(url: string, count: number): Promise<RawClient[]> {
  return await Promise.all(Array.from({ length: count }, () => rawClient(url)))
}

function isOpen({ socket }: RawClient): boolean {
  return socket.readyState === 'open'
}
