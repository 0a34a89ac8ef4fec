import { appendFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readSettings } from '../../sidecar/read-settings.ts'
import { run } from '../../sidecar/run.ts'
import { exitCode } from '../../sidecar/settings.ts'
import { StoreError } from '../../src/artifact/store.ts'
import { createLog } from '../../src/log.ts'
import { newFolderAttempt, write } from './uploader-process.ts'

it('an upload left open by a killed program is dropped once more after the commit where that failed at first', async () => {
  const made = newFolderAttempt()
  write(made, 'file', 'content')
  mkdirSync(made.state)
  const { key, id } = await made.store.createUpload('jobs/left', 5 * 1024 * 1024)
  appendFileSync(join(made.state, 'uploads.ndjson'), `${JSON.stringify({ open: true, key, id })}\n`)
  let failures = 1
  const store = {
    ...made.store,
    abortUpload: async (...args: Parameters<typeof made.store.abortUpload>) => {
      failures -= 1
      if (failures >= 0) throw new StoreError('unavailable', 'an outage')
      return made.store.abortUpload(...args)
    },
  }
  const terminated = new AbortController()
  const running = run(
    readSettings(made.environment),
    async () => store,
    createLog('test', 'silent'),
    terminated,
  )
  while (!readdirSync(made.state).includes('ready')) await new Promise((resolve) => setTimeout(resolve, 20))
  terminated.abort()
  expect(await running).toBe(exitCode.committed)
  expect(readdirSync(join(made.root, 'store/.tmp'))).toEqual([])
})
