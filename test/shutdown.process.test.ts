import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { startEmbedded } from './support/api/embedded.ts'
import { getJson } from './support/api/http.ts'
import { eventually } from './support/time/eventually.ts'

it('closes as soon as running requests are answered, despite keep-alive connections', async () => {
  const api = await startEmbedded(
    { default: 'command: [sh, -c, sleep 60]\ndemo_file: x\n' },
    { SHUTDOWN_SECONDS: '50' },
  )
  onTestFinished(() => api.remove())
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => agent.destroy())
  const status = new Promise((resolve, reject) => {
    request(`${api.url}/demo`, { agent }, (res) => res.resume().on('end', () => resolve(res.statusCode)))
      .on('error', reject)
      .end()
  })
  await eventually(async () => {
    const { jobs } = await getJson<{ jobs: unknown[] }>(`${api.url}/job`)
    expect(jobs).toHaveLength(1)
  })
  const began = Date.now()
  await api.close()
  expect(Date.now() - began).toBeLessThan(40_000)
  expect(await status).toBe(202)
})

it('does not wait for a connection that a browser opened ahead', async () => {
  const api = await startEmbedded({ default: 'command: [sh, -c, sleep 60]\ndemo_file: x\n' })
  onTestFinished(() => api.remove())
  const { hostname, port } = new URL(api.url)
  const ahead = connect(Number(port), hostname)
  onTestFinished(() => void ahead.destroy())
  await once(ahead, 'connect')
  const began = Date.now()
  await api.close()
  expect(Date.now() - began).toBeLessThan(10_000)
})
