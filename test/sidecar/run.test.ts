import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readSettings } from '../../sidecar/read-uploader-settings.ts'
import { runUploader } from '../../sidecar/run.ts'
import { exitCode } from '../../sidecar/uploader-settings.ts'
import { endHeaders, signEnd } from '../../src/job/end-call.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import { type ArtifactStore, StoreError } from '../../src/store/store.ts'
import { createLog } from '../../src/util/log.ts'
import { freePort } from '../support/free-port.ts'
import { keysOf } from './stored.ts'
import { type Attempt, attempt, job, newFolderAttempt, write } from './uploader-process.ts'

it('an upload that a killed program left open is aborted again after the commit if the first abort failed', async () => {
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
  expect(await runWith(made, store)).toBe(exitCode.committed)
  expect(readdirSync(join(made.root, 'store/.tmp'))).toEqual([])
})

it('commits nothing if the job was deleted while the store took no manifest', async () => {
  const made = newFolderAttempt()
  write(made, 'file', 'content')
  let failed = false
  const store: ArtifactStore = {
    ...made.store,
    put: async (key, ...rest) => {
      if (key !== jobKeys.manifest(job, attempt)) return made.store.put(key, ...rest)
      if (!failed) await made.store.remove(await keysOf(made.store))
      failed = true
      // No call repeats this one by itself.
      throw new StoreError('full', 'no room')
    },
  }
  expect(await runWith(made, store)).toBe(exitCode.gaveUp)
  expect(readFileSync(made.message, 'utf8')).toContain('deleted')
  expect(await keysOf(made.store)).toEqual([])
})

it('ends uploads in flight when a checkpoint finds that the job was deleted', async () => {
  const made = newFolderAttempt()
  write(made, 'large', Buffer.alloc(9 * 1024 * 1024))
  const store: ArtifactStore = {
    ...made.store,
    createUpload: async (...args) => {
      const upload = await made.store.createUpload(...args)
      await made.store.remove(await keysOf(made.store))
      return upload
    },
    putPart: (_upload, _number, _body, signal) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
  }
  expect(await runWith(made, store)).toBe(exitCode.gaveUp)
  expect(readFileSync(made.message, 'utf8')).toContain('deleted')
  expect(await keysOf(made.store)).toEqual([])
  expect(readdirSync(join(made.root, 'store/.tmp'))).toEqual([])
})

it('obeys POST /end, GET /stop and SIGTERM, even if no mark of them can be written', async () => {
  const port = await freePort()
  const made = newFolderAttempt({ UPLOADER_PORT: String(port), PRE_STOP_TOKEN: 'token', END_KEY: 'key' })
  write(made, 'file', 'content')
  mkdirSync(made.state)
  // Where these are directories, the marks' files can't be written.
  for (const name of ['stop-seen', 'end', 'terminating']) mkdirSync(join(made.state, `${name}.tmp`))
  let asked = () => {}
  const putting = new Promise<void>((resolve) => {
    asked = resolve
  })
  const store: ArtifactStore = {
    ...made.store,
    put: (key, body, signal, options) => {
      if (!key.includes('/files/')) return made.store.put(key, body, signal, options)
      asked()
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    },
  }
  const running = runWith(made, store)
  await putting
  const url = `http://127.0.0.1:${port}`
  expect((await fetch(`${url}/stop/token`)).status).toBe(200)
  const body = JSON.stringify({ outcome: 'deleted', cause: { reason: 'JobDeleted', message: 'deleted' } })
  const at = Date.now()
  const headers = {
    [endHeaders.time]: String(at),
    [endHeaders.signature]: signEnd('key', { attempt, at, body }),
  }
  expect((await fetch(`${url}/end`, { method: 'POST', body, headers })).status).toBe(200)
  expect(await running).toBe(exitCode.gaveUp)
  expect(JSON.parse(readFileSync(made.message, 'utf8'))).toMatchObject({ reason: 'JobDeleted' })
})

/** Ends the worker as soon as it may start; gives the exit code. */

it('stores nothing of a folder that a worker links in the place of its results as soon as it may start', async () => {
  const made = newFolderAttempt()
  const outside = join(made.root, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'foreign.txt'), 'not the job’s')
  const replace = () => {
    rmSync(made.result, { recursive: true })
    symlinkSync(outside, made.result)
  }
  expect(await runWith(made, made.store, replace)).toBe(exitCode.gaveUp)
  expect(readFileSync(made.message, 'utf8')).toContain('replaced by a link to')
  expect(await keysOf(made.store)).not.toContainEqual(expect.stringContaining('foreign'))
})

/** `onReady` is called as soon as the uploader lets the worker start. */
async function runWith(made: Attempt, store: ArtifactStore, onReady = () => {}): Promise<number> {
  const terminated = new AbortController()
  const log = createLog('test', 'silent')
  log.info = (said: unknown) => {
    if (said === 'ready') onReady()
  }
  const running = runUploader(readSettings(made.environment), async () => store, log, terminated)
  while (!readdirSync(made.state).includes('ready')) await new Promise((resolve) => setTimeout(resolve, 20))
  terminated.abort()
  return running
}
