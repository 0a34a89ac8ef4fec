import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { startEmbedded } from './support/embedded.ts'

it('ends as soon as the requests under way are answered, though their connections were to be kept', async () => {
  const api = await startEmbedded({ default: 'command: [sh, -c, sleep 60]\ndemo_file: x\n' })
  onTestFinished(() => api.remove())
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => agent.destroy())
  const status = new Promise((resolve, reject) => {
    request(`${api.url}/demo`, { agent }, (res) => res.resume().on('end', () => resolve(res.statusCode)))
      .on('error', reject)
      .end()
  })
  await sleep(1000)
  const began = Date.now()
  await api.close()
  expect(Date.now() - began).toBeLessThan(10_000)
  expect(await status).toBe(202)
})
