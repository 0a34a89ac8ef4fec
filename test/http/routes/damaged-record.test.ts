import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { type Embedded, startEmbedded } from '../../support/api/embedded.ts'
import { call } from '../client.ts'

const uuid = '11111111-1111-4111-8111-111111111111'
let api: Embedded
beforeAll(async () => {
  api = await startEmbedded({}, { LOG_LEVEL: 'fatal' })
  const { store } = api.config
  const path = join(store.kind === 'folder' ? store.directory : '', jobKeys.record(uuid))
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, '{"job')
})
afterAll(() => api.remove())

it.each([
  ['GET', ''],
  ['GET', '/log'],
  ['GET', '/events'],
  ['GET', '/callbacks'],
  ['GET', '/result/list'],
  ['POST', '/cancel'],
  ['POST', '/callbacks/redeliver'],
  ['POST', '/rerun'],
])(
  'says to %s /job/{id}%s that a record is damaged, as the OpenAPI document has it',
  async (method, path) => {
    const { status, json } = await call(api.url, { method, path: `/job/${uuid}${path}` })
    expect([status, json()]).toEqual([
      500,
      expect.objectContaining({ type: 'urn:jobferry:error:result-damaged' }),
    ])
  },
)
