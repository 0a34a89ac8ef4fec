import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RawClient, rawClient } from '../support/api/raw-client.ts'
import { kubectl, kubectlJson } from '../support/cluster/cluster.ts'
import { type Installation, install } from '../support/cluster/installation.ts'
import { eventually } from '../support/time/eventually.ts'

/** More than the bodies that are open at once, fewer than the pod would have without the setting. */
const connections = 700

let api: Installation
let podIp: string
beforeAll(async () => {
  api = await install({ CONNECTIONS_MAX: String(connections) })
  podIp = (await pod()).status.podIP
})
afterAll(() => api?.remove())

it('stays ready for the kubelet while idle connections take all of the port for callers', async () => {
  const idle: RawClient[] = []
  // Idle connections are closed after 20 s: others take their places.
  for (let round = 0; round < 4; round += 1) {
    await eventually(async () => {
      idle.push(...(await open(connections + 50)))
      await expect(fetch(`http://${podIp}:8888/health/live`)).rejects.toThrow()
    })
    await sleep(3000)
    await expectReady()
  }
  for (const { socket } of idle) socket.destroy()
})

it.each([
  ['/token', 'application/x-www-form-urlencoded'],
  ['/job/deploy', 'application/json'],
])('is not ended by 550 bodies of 990 KB at once for POST %s', async (path, type) => {
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: 995000\r\n\r\n`
  const body = Buffer.alloc(990_000, 'a')
  const clients = await open(550)
  for (const { socket } of clients) {
    socket.write(head)
    socket.write(body)
  }
  await sleep(5000)
  for (const { socket } of clients) socket.destroy()
  await expectReady()
})

it('refuses pages of other sites, and serves the names of its Service', async () => {
  const own = `jobferry.${api.namespace}.svc.cluster.local:8888`
  for (const host of [own, 'jobferry:8888', `jobferry.${api.namespace}:8888`, 'localhost:8888', podIp]) {
    expect(await status('/job', { host }), host).toBe(200)
  }
  const host = 'evil.example:8888'
  expect(await status('/job/deploy', { host, origin: `http://${host}` })).toBe(403)
  expect(await status('/job/deploy', { host: 'localhost', referer: `http://${host}/` })).toBe(403)
})

it('ends before its grace is over after bodies that never came and one that was refused unread', async () => {
  for (let begun = 0; begun < 2000; begun += 200) {
    const clients = await open(200)
    for (const { socket } of clients)
      socket.write('GET /health/live HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n')
    await sleep(200)
    for (const { socket } of clients) socket.destroy()
  }
  const [refused] = await open(1)
  refused?.socket.write('POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000000\r\n\r\n')
  refused?.socket.write(Buffer.alloc(20_000_000))
  await expect.poll(() => refused?.text()).toMatch(/^HTTP\/1\.1 404 /)
  const began = performance.now()
  await kubectl('-n', api.namespace, 'delete', 'pod', (await pod()).metadata.name)
  // After 35 s the kubelet would send SIGKILL.
  expect(performance.now() - began).toBeLessThan(30_000)
  refused?.socket.destroy()
})

interface Pod {
  metadata: { name: string }
  status: { podIP: string; containerStatuses: { ready: boolean; restartCount: number }[] }
}

/** Its container was never started again; a loaded node may have missed one of its probes. */
async function expectReady(): Promise<void> {
  await eventually(
    async () => {
      const { status } = await pod()
      expect(status).toMatchObject({ containerStatuses: [{ ready: true, restartCount: 0 }] })
    },
    { atMost: 15_000 },
  )
}

async function pod(): Promise<Pod> {
  const selector = 'app.kubernetes.io/component=api'
  const { items } = await kubectlJson<{ items: Pod[] }>('-n', api.namespace, 'get', 'pods', '-l', selector)
  if (items[0] === undefined) throw new Error('the API has no pod')
  return items[0]
}

async function open(count: number): Promise<RawClient[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => rawClient(`http://${podIp}:8888`)))
  for (const { socket } of clients) socket.on('error', () => {})
  return clients
}

async function status(path: string, headers: Record<string, string>): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    request(`http://${podIp}:8888${path}`, { headers, agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
      .on('error', reject)
      .end()
  })
}
