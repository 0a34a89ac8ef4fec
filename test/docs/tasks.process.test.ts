import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, test } from 'vitest'
import { type Embedded, startEmbedded } from '../support/api/embedded.ts'
import { expectTrue, taskPages } from './task-pages.ts'

let api: Embedded
let token: string
beforeAll(async () => {
  api = await startEmbedded({ default: 'command: [echo]\n' }, { LOCAL_ALLOW_COMMANDS: '1' })
  token = await readFile(join(api.directory, 'token'), 'utf8')
})
afterAll(() => api.remove())

test.each(taskPages)('docs/tasks/%s.md says what its commands do on this machine', async (page) => {
  await expectTrue(page, { url: api.url, token })
})
