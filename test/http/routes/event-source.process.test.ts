import { connect, createServer, type Socket } from 'node:net'
import { EventSource, type MessageEvent } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../../support/time/eventually.ts'
import { call } from '../client.ts'
import { startApi } from '../running.ts'

const jobs = { slow: 'command: [sh, -c, "sleep 5"]' }

test('an EventSource whose connection breaks continues after its last event, and stops at the end', async () => {
  const api = await startApi(jobs)
  onTestFinished(() => api.close())
  const between = await breakable(api.url)
  const { job_uuid: uuid } = (await call(api.url, { path: '/job/deploy?job=slow' })).json() as {
    job_uuid: string
  }
  const states: string[] = []
  const source = new EventSource(`${between.url}/job/${uuid}/events`)
  onTestFinished(() => source.close())
  source.addEventListener('state', (event) => {
    const { data } = event as MessageEvent
    states.push((JSON.parse(data) as { state: string }).state)
  })
  await eventually(() => expect(states).toContain('running'), { within: 20_000 })
  between.cut()
  // It reconnects after two seconds, then once more after the end, and gets 204: no more events.
  await eventually(() => expect(source.readyState).toBe(EventSource.CLOSED), { within: 30_000 })
  expect(states.filter((state) => state === 'running')).toEqual(['running'])
  expect(states.at(-1)).toBe('succeeded')
  expect(between.connections).toBeGreaterThan(1)
})

/** A TCP proxy to `target`; `cut` breaks every open connection. */
async function breakable(target: string) {
  const { hostname, port } = new URL(target)
  const open = new Set<Socket>()
  let connections = 0
  const server = createServer((near) => {
    connections += 1
    const far = connect(Number(port), hostname)
    for (const [one, other] of [[near, far] as const, [far, near] as const]) {
      open.add(one)
      one.pipe(other)
      one
        .on('error', () => undefined)
        .once('close', () => {
          open.delete(one)
          other.destroy()
        })
    }
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const cut = () => {
    for (const socket of open) socket.destroy()
  }
  onTestFinished(() => {
    cut()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it listens on a port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut,
    get connections() {
      return connections
    },
  }
}
