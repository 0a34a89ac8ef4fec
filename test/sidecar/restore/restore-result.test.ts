import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { InputError } from '../../../sidecar/inputs/input-error.ts'
import { commitManifest } from '../../../sidecar/pass/commit-manifest.ts'
import { readSettings } from '../../../sidecar/read-uploader-settings.ts'
import { restoreResult } from '../../../sidecar/restore/restore-result.ts'
import { runUploader } from '../../../sidecar/run.ts'
import type { Entry } from '../../../src/result-format/entry.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { createLog } from '../../../src/util/log.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { keysOf, manifestOf } from '../stored.ts'
import { treeOf } from '../tree.ts'
import { type Attempt, attempt, job, newAttempt, newFolderAttempt } from '../uploader-process.ts'

it.each(['files', 'packed'])(
  'restores a result of the layout %s: files, folders, links, times',
  async (layout) => {
    const made = newFolderAttempt({ RESULT_LAYOUT: layout, PACK_FROM_COUNT: '1' })
    makeTree(made.result)
    await store(made)
    const restored = await restore(made.store)
    const [before, after] = [treeOf(made.result), treeOf(restored)]
    expect([...after.keys()].sort()).toEqual([...before.keys()].sort())
    for (const [path, facts] of after) {
      const { mode, mtime, ...rest } = before.get(path) ?? {}
      expect({ path, ...facts }).toMatchObject({ path, ...rest, mode: modes[path] ?? facts.mode })
      expect(Math.abs(Date.parse(String(facts.mtime)) - Date.parse(String(mtime)))).toBeLessThanOrEqual(1)
    }
  },
)

it('goes on after a kill: whole files stay, one that was cut short is fetched again', async () => {
  const made = newFolderAttempt()
  makeTree(made.result)
  await store(made)
  const restored = await restore(made.store)
  const whole = statSync(join(restored, 'run.sh'))
  truncateSync(join(restored, 'deep/raw'), 1)
  await restore(made.store, restored)
  expect(readFileSync(join(restored, 'deep/raw'), 'latin1')).toBe('raw')
  expect(statSync(join(restored, 'run.sh')).ino).toBe(whole.ino)
})

it('goes on after a kill before a folder was open to all', async () => {
  const made = newFolderAttempt()
  makeTree(made.result)
  await store(made)
  const restored = temporaryFolder()
  mkdirSync(join(restored, 'deep/empty'), { recursive: true, mode: 0o755 })
  await restore(made.store, restored)
  expect(statSync(join(restored, 'deep')).mode & 0o777).toBe(0o777)
  expect(statSync(join(restored, 'deep/empty')).mode & 0o777).toBe(0o777)
})

it('leaves a folder that belongs to another user its time', () => {
  const place = new URL('../../../sidecar/restore/place-restored.ts', import.meta.url)
  const entry = { path: 'usr', type: 'directory', mtime: '2001-02-03T04:05:06.000000000Z' }
  const script = `await (await import('${place}')).markFolder(Buffer.from('/'), ${JSON.stringify(entry)})`
  const before = statSync('/usr').mtimeMs
  const uid = process.getuid?.() || 65_534
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { uid })
  expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: '' })
  expect(statSync('/usr').mtimeMs).toBe(before)
})

it('does not call an error of the volume one of the store', async () => {
  const made = newFolderAttempt()
  makeTree(made.result)
  await store(made)
  const again = newAttempt({ ATTEMPT_UID: 'bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee' })
  Object.assign(again.environment, {
    ...{
      STORE_DIRECTORY: made.environment.STORE_DIRECTORY,
      JOB_UUID: '11111111-2222-8333-8444-666666666666',
    },
    ...{ RESTORE_JOB: job, RESTORE_ATTEMPT: attempt, RESTORE_TIMEOUT_SECONDS: '60' },
  })
  rmSync(again.result, { recursive: true })
  const terminated = new AbortController()
  const log = createLog('test', 'silent')
  log.warn = () => terminated.abort()
  await runUploader(readSettings(again.environment), async () => made.store, log, terminated)
  expect(JSON.parse(readFileSync(again.message, 'utf8'))).toMatchObject({
    reason: 'Error',
    message: expect.stringMatching(/: restoring the result of job .*: ENOENT/),
  })
})

it('refuses bytes that are not those of the manifest, and a result that is gone', async () => {
  const made = newFolderAttempt()
  writeFileSync(join(made.result, 'file'), 'content')
  await store(made)
  const key = (await keysOf(made.store)).find((one) => one.includes('/files/')) ?? ''
  const changed: ArtifactStore = {
    ...made.store,
    get: async (wanted, options) =>
      wanted === key
        ? await made.store.get(wanted, options).then(otherBytes)
        : made.store.get(wanted, options),
  }
  await expect(restore(changed)).rejects.toMatchObject({
    kind: 'InputInvalid',
    message: expect.stringMatching(/^the result of job .*: file: its SHA-256 in the store is/),
  })
  await made.store.remove([key])
  await expect(restore(made.store)).rejects.toMatchObject({ kind: 'InputUnavailable' })
  await made.store.remove(await keysOf(made.store))
  await expect(restore(made.store)).rejects.toMatchObject({
    kind: 'InputUnavailable',
    message: expect.stringContaining('the result is gone'),
  })
})

it('writes nothing through a link, whatever a manifest says', async () => {
  const made = newFolderAttempt()
  writeFileSync(join(made.result, 'file'), 'content')
  await store(made)
  const outside = temporaryFolder()
  const stored = await storedEntry(made.store)
  const entries: Entry[] = [
    { path: 'away', type: 'symlink', target: outside },
    { ...stored, path: 'away/file' },
  ]
  const head = { version: 1 as const, job, attempt, scan_started_at: 'x', count: 2, bytes: 7, errors: 0 }
  await commitManifest(made.store, head, () => each(entries), new AbortController().signal)
  const restored = temporaryFolder()
  await restore(made.store, restored).catch((error: unknown) => expect(error).toBeInstanceOf(InputError))
  expect(readdirSync(outside)).toEqual([])
})

const modes: Readonly<Record<string, string>> = { 'run.sh': '0777', 'deep/raw': '0666', deep: '0777' }

function makeTree(root: string): void {
  mkdirSync(join(root, 'deep/empty'), { recursive: true })
  writeFileSync(join(root, 'deep/raw'), 'raw')
  writeFileSync(join(root, 'nothing'), '')
  writeFileSync(join(root, 'run.sh'), '#!/bin/sh', { mode: 0o750 })
  chmodSync(join(root, 'deep/raw'), 0o400)
  utimesSync(join(root, 'deep/raw'), 1e9, 981_173_106.789)
  symlinkSync('deep', join(root, 'folder-link'))
  symlinkSync('/etc/passwd', join(root, 'away'))
  const latin1 = Buffer.concat([Buffer.from(join(root, 'deep/')), Buffer.from([0x66, 0xfc, 0x0a])])
  writeFileSync(latin1, 'odd')
  utimesSync(join(root, 'deep'), 1e9, 1e9)
}

/** Lets an uploader store what the attempt has. */
async function store(made: Attempt & { store: ArtifactStore }): Promise<void> {
  const terminated = new AbortController()
  const log = createLog('test', 'silent')
  log.info = (said: unknown) => {
    if (said === 'ready') terminated.abort()
  }
  expect(await runUploader(readSettings(made.environment), async () => made.store, log, terminated)).toBe(0)
}

async function restore(from: ArtifactStore, directory = temporaryFolder()): Promise<string> {
  const { signal } = new AbortController()
  const patience = { until: Date.now() + 60_000, timeoutSeconds: 60, note: () => undefined, signal }
  await restoreResult({ store: from, uuid: job, attempt }, directory, patience)
  return directory
}

async function otherBytes(body: Awaited<ReturnType<ArtifactStore['get']>>) {
  return { ...body, stream: body.stream.map((chunk: Buffer) => Buffer.from(chunk).fill('x')) }
}

async function storedEntry(from: ArtifactStore): Promise<Entry> {
  const { entries } = await manifestOf(from)
  const [entry] = entries
  if (entry === undefined) throw new Error('nothing was stored')
  return entry
}

async function* each(entries: readonly Entry[]): AsyncGenerator<Entry> {
  yield* entries
}
