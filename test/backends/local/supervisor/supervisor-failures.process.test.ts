import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { attemptFolders } from '../../../../src/backends/local/files/job-folders.ts'
import type { LocalSettings } from '../../../../src/backends/local/local-settings.ts'
import {
  markedProcesses,
  uploaderMarker,
  workerMarker,
} from '../../../../src/backends/local/process/kill-processes.ts'
import { supervisorMarker } from '../../../../src/backends/local/supervisor/supervisor-process.ts'
import { planFor } from '../../../job/backend-under-test.ts'
import { hasEnded, until } from '../../../job/live-jobs.ts'
import { canMount, fillDisk, smallDisk } from '../../../support/files/small-disk.ts'
import { temporaryFolder } from '../../../support/files/temporary-folder.ts'
import { eventually } from '../../../support/time/eventually.ts'
import { folderStoreIn, scriptedUploader, shellRequest, startBackend } from '../setup.ts'
import { patience, running, untilGone } from './left-jobs.ts'

describe('a supervisor that can not run', { timeout: 120_000 }, () => {
  it.each([
    ['ends at once', ['sh', '-c', 'echo no memory >&2; exit 1'], 'its supervisor ended 5 times'],
    ['does not exist', ['no-such-supervisor'], 'its supervisor: the command "no-such-supervisor"'],
  ])('since it %s, is named by the end of its job', async (_, command, message) => {
    const folder = temporaryFolder()
    const backend = await startBackend(folder, { supervisor: { command } })
    const plan = planFor(shellRequest('true'))
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(observation.ended?.cause).toMatchObject({
      reason: 'Error',
      message: expect.stringContaining(message),
    })
    const { supervisorLog } = attemptFolders(join(folder, 'local'), plan.uuid, observation.attempt?.uid ?? '')
    const isStarted = command[0] === 'sh'
    expect(await readFile(supervisorLog, 'utf8')).toBe(isStarted ? 'no memory\n' : '')
    const attempts = (await readdir(join(folder, 'local', plan.uuid))).filter((name) => name.length === 36)
    expect(attempts).toEqual([observation.attempt?.uid])
  })
})

it('a supervisor whose log can not be written for a full disk goes on to the end of its attempt', async () => {
  const folder = temporaryFolder()
  const main = join(import.meta.dirname, '../../../../src/backends/local/supervisor/main.ts')
  // Its log is /dev/full, and an uploader that can't be started gives it a line to write.
  const supervisor = { command: ['sh', '-c', `exec '${process.execPath}' '${main}' 2>/dev/full`] }
  const uploader = { command: ['no-such-uploader'] }
  const backend = await startBackend(folder, { supervisor, uploader })
  const plan = planFor(shellRequest('true'))
  await backend.create(plan)
  const { observation } = await until(backend, plan.uuid, hasEnded)
  expect(observation.ended?.cause?.message).toContain('the uploader: the command "no-such-uploader"')
}, 120_000)

it.skipIf(!canMount)(
  'a supervisor is not started for an attempt that could not be written down for a full disk',
  async () => {
    const disk = smallDisk(8)
    const before = await startBackend(disk, { concurrency: 0 })
    const plan = planFor(shellRequest('true'))
    await before.create(plan)
    await before.close()
    fillDisk(disk)
    const backend = await startBackend(disk)
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(observation.ended?.cause).toMatchObject({ reason: 'StorageFull' })
    const uid = observation.attempt?.uid ?? ''
    const { supervisorLog } = attemptFolders(join(disk, 'local'), plan.uuid, uid)
    await expect(stat(supervisorLog)).rejects.toMatchObject({ code: 'ENOENT' })
  },
  120_000,
)

describe.skipIf(!canMount)('on a disk that is full to its last byte,', { timeout: 120_000 }, () => {
  it('the end of an attempt is written down nevertheless', async () => {
    const [disk, store] = [smallDisk(8), temporaryFolder()]
    const { backend, uuid, root } = await startOn(
      disk,
      store,
      'until [ -e "$GO" ]; do sleep 0.1; done; exit 3',
    )
    await until(backend, uuid, running)
    await backend.close()
    // The reserve may be used up by then.
    await rm(join(root(), 'attempt.reserve'))
    keepFull(disk)
    await writeFile(join(store, 'go'), '')
    await untilGone(basename(root()))
    expect(JSON.parse(await readFile(join(root(), 'attempt.json'), 'utf8'))).toMatchObject({
      attempt: { worker: { exitCode: 3 } },
      done: true,
    })
    const { observation } = await until(await startBackend(disk, on(store)), uuid, hasEnded)
    expect(observation.attempt?.worker.exitCode).toBe(3)
    expect(observation.failedAttempts).toBe(1)
  })

  it('no worker starts whose start can not be written down', async () => {
    const [disk, store] = [smallDisk(8), temporaryFolder()]
    const script = `until [ -e ${join(store, 'go')} ]; do sleep 0.1; done; : >"$STATE_DIRECTORY/ready"; exec sleep 600`
    const uploader = await scriptedUploader(store, script)
    const { backend, uuid, root } = await startOn(disk, store, 'echo run >>"$GO"', { uploader })
    await until(backend, uuid, (one) => one.observation.attempt?.uploader.startedAt !== undefined)
    await eventually(async () => expect(await readdir(root())).toContain('attempt.reserve'), patience)
    await rm(join(root(), 'attempt.reserve'))
    fillDisk(disk)
    await writeFile(join(store, 'go'), '')
    const { observation } = await until(backend, uuid, hasEnded)
    expect(observation.ended?.cause).toMatchObject({ reason: 'StorageFull' })
    expect(observation.attempt?.worker.startedAt).toBeUndefined()
    expect(await readFile(join(store, 'go'), 'utf8')).toBe('')
  })

  it('a last pass begins after the end of the supervisor', async () => {
    const [disk, store] = [smallDisk(8), temporaryFolder()]
    const { backend, uuid, root } = await startOn(
      disk,
      store,
      'echo 1 >"$RESULT_DIRECTORY/file"; exec sleep 600',
    )
    await until(backend, uuid, running)
    await eventually(async () => expect((await stat(join(root(), 'result/file'))).size).toBe(2), patience)
    await backend.close()
    fillDisk(disk)
    for (const marker of [supervisorMarker, uploaderMarker, workerMarker]) {
      for (const { pid } of await markedProcesses(marker(basename(root())))) process.kill(pid, 'SIGKILL')
    }
    const { observation } = await until(await startBackend(disk, on(store)), uuid, hasEnded)
    expect(observation.attempt?.interrupted).toMatchObject({ reason: 'Interrupted' })
    expect(JSON.parse(observation.attempt?.uploader.message ?? '{}')).toMatchObject({ count: 1 })
  })
})

/** Takes all room that comes free, until the end of the test. */
function keepFull(disk: string): void {
  fillDisk(disk)
  const again = setInterval(() => fillDisk(disk), 2)
  onTestFinished(() => clearInterval(again))
}

/** The results are on another disk. */
function on(store: string): Partial<LocalSettings> {
  return { store: folderStoreIn(store) }
}

/** A job with the file `go` of `store` in its environment. */
async function startOn(disk: string, store: string, script: string, more: Partial<LocalSettings> = {}) {
  const backend = await startBackend(disk, { ...on(store), ...more })
  const plan = planFor(shellRequest(script, { env: { GO: join(store, 'go') }, upload_timeout_seconds: 20 }))
  await backend.create(plan)
  const { uuid } = plan
  const uid = () => backend.get(uuid)?.observation.attempt?.uid ?? ''
  return { backend, uuid, root: () => attemptFolders(join(disk, 'local'), uuid, uid()).root }
}
