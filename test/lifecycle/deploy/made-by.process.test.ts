import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { call } from '../../http/client.ts'
import { startApiProcess } from '../../support/api/api-process.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

it('tells callers, the record and the log which token made a job, and a callback receiver nothing', async () => {
  const directory = temporaryFolder()
  const received: { data: Record<string, unknown> }[] = []
  const receiver = createServer(async (req, res) => {
    received.push((await json(req)) as (typeof received)[number])
    res.end()
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void receiver.close())
  await new Promise((resolve) => receiver.once('listening', resolve))
  const token = 'correct-horse'
  const api = await startApiProcess({
    DATA_DIRECTORY: directory,
    API_TOKENS: `alice:${createHash('sha256').update(token).digest('hex')}`,
    CALLBACK_SECRETS: `*: whsec_${Buffer.alloc(32).toString('base64')}`,
    LOCAL_ALLOW_COMMANDS: '1',
  })
  onTestFinished(() => api.kill())
  const answer = await call(api.url, {
    method: 'POST',
    path: '/job/deploy?wait=50',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      command: ['true'],
      callback: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`,
    }),
  })
  expect(answer.json()).toMatchObject({ state: 'succeeded', made_by: 'alice' })
  const { job_uuid: uuid } = answer.json() as { job_uuid: string }
  const record = join(directory, 'store', 'jobs', uuid, 'job.json')
  await expect.poll(() => readFile(record, 'utf8').catch(() => '')).toContain('"made_by": "alice"')
  const lines = api.log.map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(lines.filter(({ msg }) => msg === 'deployed')).toMatchObject([{ job: uuid, token: 'alice' }])
  expect(api.log.join('\n')).not.toContain(token)
  await expect.poll(() => received.length).toBe(1)
  expect(received[0]?.data).toMatchObject({ job_uuid: uuid })
  expect(received[0]?.data).not.toHaveProperty('made_by')
})
