import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { attemptFolders } from '../../../../src/backends/local/files/job-folders.ts'
import {
  markedProcesses,
  uploaderMarker,
  workerMarker,
} from '../../../../src/backends/local/process/kill-processes.ts'
import { supervisorMarker } from '../../../../src/backends/local/supervisor/supervisor-process.ts'
import type { LiveJob } from '../../../../src/job/backend.ts'
import { jobKeys } from '../../../../src/result-format/job-keys.ts'
import { planFor, stopAs } from '../../../job/backend-under-test.ts'
import { hasEnded, until } from '../../../job/live-jobs.ts'
import { temporaryFolder } from '../../../support/files/temporary-folder.ts'
import { eventually } from '../../../support/time/eventually.ts'
import { recordOf, scriptedUploader, shellRequest, startBackend } from '../setup.ts'
import {
  hide,
  leave,
  leaveReady,
  leaveWhen,
  patience,
  rewrite,
  runAnother,
  running,
  show,
  terminateAll,
  untilGone,
} from './left-jobs.ts'

describe('without an API, a supervisor', { timeout: 120_000 }, () => {
  it('ends its worker after timeout_seconds, and the next API says so', async () => {
    const script = 'echo part >"$RESULT_DIRECTORY/file"; sleep 600'
    const { folder, uuid, uid } = await leave(script, { timeout_seconds: 3 })
    await untilGone(uid)
    const { observation } = await until(await startBackend(folder), uuid, hasEnded)
    expect(observation.stop).toMatchObject({ outcome: 'failed', cause: { reason: 'TimeoutExceeded' } })
    expect(observation.ended?.cause).toMatchObject({ reason: 'TimeoutExceeded' })
    expect(JSON.parse(observation.attempt?.uploader.message ?? '{}')).toMatchObject({ count: 1 })
  })

  it('follows a decision in the record, with the whole grace period, however old it is', async () => {
    const script = (ready: string) =>
      `trap 'sleep 0.5; echo late >"$RESULT_DIRECTORY/late"; exit 1' TERM; ${ready}; while :; do sleep 0.1; done`
    const { folder, uuid, uid } = await leaveReady(script, { stop_grace_seconds: 60 })
    const stop = { ...stopAs('canceled'), at: Date.now() - 3_600_000 }
    // As by an API that is killed before it sends the signal.
    await rewrite(folder, uuid, (record) => ({ ...record, stop }))
    await untilGone(uid)
    const { observation } = await until(await startBackend(folder), uuid, hasEnded)
    expect(observation.stop?.outcome).toBe('canceled')
    expect(observation.attempt?.interrupted).toBeUndefined()
    expect(await readFile(join(folder, 'store', jobKeys.file(uuid, uid, 'late')), 'utf8')).toBe('late\n')
  })

  it('ends all processes of a job that its record says is deleted', async () => {
    const { folder, uuid, uid } = await leaveReady(
      (ready) => `trap "" TERM; ${ready}; while :; do sleep 0.1; done`,
      {
        stop_grace_seconds: 600,
      },
    )
    await rewrite(folder, uuid, (record) => ({ ...record, stop: stopAs('deleted') }))
    await untilGone(uid)
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'stops its job on %s, with its grace period',
    async (signal) => {
      const script = (ready: string) =>
        `trap 'echo late >"$RESULT_DIRECTORY/late"; exit 0' TERM; ${ready}; while :; do sleep 0.1; done`
      const { folder, uuid, uid } = await leaveReady(script)
      for (const { pid } of await markedProcesses(supervisorMarker(uid))) process.kill(pid, signal)
      await untilGone(uid)
      const { observation } = await until(await startBackend(folder), uuid, hasEnded)
      expect(observation.attempt?.interrupted).toMatchObject({ reason: 'Interrupted' })
      expect(await readFile(join(folder, 'store', jobKeys.file(uuid, uid, 'late')), 'utf8')).toBe('late\n')
    },
  )
})

describe('a SIGTERM to all processes, as at a shutdown of the machine,', { timeout: 120_000 }, () => {
  it('leaves a job whose uploader prepares to the next API, which runs it', async () => {
    const folder = temporaryFolder()
    const uploader = await scriptedUploader(folder, 'exec sleep 600')
    const preparing = (one: LiveJob) => one.observation.attempt?.uploader.startedAt !== undefined
    const { uuid, uid } = await leaveWhen(folder, preparing, 'echo 1 >"$RESULT_DIRECTORY/file"', { uploader })
    await terminateAll(uid, [uploaderMarker, supervisorMarker])
    await untilGone(uid)

    const { observation } = await until(await startBackend(folder), uuid, hasEnded)
    expect(observation.attempt).toMatchObject({ number: 1, worker: { exitCode: 0 } })
    expect(observation.failedAttempts).toBe(0)
    expect(JSON.parse(observation.attempt?.uploader.message ?? '{}')).toMatchObject({ count: 1 })
  })

  it('leaves a job that is being stored to the next API, which stores it', async () => {
    const folder = temporaryFolder()
    const go = join(folder, 'go')
    const script = `until [ -e ${go} ]; do sleep 0.1; done; echo 1 >"$RESULT_DIRECTORY/file"`
    const { uuid, uid } = await leaveWhen(folder, running, script)
    // It stands still in the midst of its last pass.
    for (const { pid } of await markedProcesses(uploaderMarker(uid))) process.kill(pid, 'SIGSTOP')
    await writeFile(go, '')
    await eventually(
      async () => expect((await recordOf(folder, uuid)).attempt?.worker.exitCode).toBe(0),
      patience,
    )
    await terminateAll(uid, [supervisorMarker])
    await eventually(async () => expect(await markedProcesses(supervisorMarker(uid))).toEqual([]), patience)

    const { observation } = await until(await startBackend(folder), uuid, hasEnded)
    expect(observation.attempt).toMatchObject({ uid, worker: { exitCode: 0 } })
    expect(observation.attempt?.interrupted).toBeUndefined()
    expect(JSON.parse(observation.attempt?.uploader.message ?? '{}')).toMatchObject({ count: 1 })
    await untilGone(uid)
  })

  it('interrupts a running job, whose worker may end before its supervisor has the signal', async () => {
    const { folder, uuid, uid } = await leave('echo part >"$RESULT_DIRECTORY/file"; exec sleep 600')
    await terminateAll(uid, [workerMarker, supervisorMarker])
    await untilGone(uid)
    const { observation } = await until(await startBackend(folder), uuid, hasEnded)
    expect(observation.attempt?.interrupted).toMatchObject({ reason: 'Interrupted' })
    expect(JSON.parse(observation.attempt?.uploader.message ?? '{}')).toMatchObject({ count: 1 })
  })
})

describe('the API', { timeout: 120_000 }, () => {
  it('shows a worker as running that has started and ended between two looks', async () => {
    const folder = temporaryFolder()
    const command = [process.execPath, join(import.meta.dirname, 'quick-supervisor.ts')]
    const backend = await startBackend(folder, { supervisor: { command } })
    const plan = planFor(shellRequest('true'))
    const seen: (number | undefined)[][] = []
    backend.subscribe(() => {
      const worker = backend.get(plan.uuid)?.observation.attempt?.worker
      seen.push([worker?.startedAt, worker?.finishedAt, worker?.exitCode])
    })
    await backend.create(plan)
    await until(backend, plan.uuid, hasEnded)
    expect(seen).toContainEqual([1000, undefined, undefined])
    expect(seen.at(-1)).toEqual([1000, 2000, 0])
  })

  it('starts though it can not read the folder of a job, and follows the job once it can', async () => {
    const script = 'until [ -e "$GO" ]; do sleep 0.1; done; echo 1 >"$RESULT_DIRECTORY/file"'
    const go = join(temporaryFolder(), 'go')
    const { folder, uuid, uid } = await leave(script, { env: { GO: go } })
    const { root } = attemptFolders(join(folder, 'local'), uuid, uid)
    await hide(root)
    const backend = await startBackend(folder)
    await runAnother(backend)
    expect(backend.get(uuid)?.observation.ended).toBeUndefined()
    expect(await markedProcesses(supervisorMarker(uid))).not.toEqual([])
    await show(root)
    await runAnother(backend)
    // The API follows it by now.
    await hide(root)
    await runAnother(backend)
    await show(root)
    await writeFile(go, '')
    const { observation } = await until(backend, uuid, hasEnded)
    expect(observation.attempt).toMatchObject({ uid, worker: { exitCode: 0 } })
    expect(observation.failedAttempts).toBe(0)
    expect(JSON.parse(observation.attempt?.uploader.message ?? '{}')).toMatchObject({ count: 1 })
  })

  it('runs no worker twice whose supervisor is not in the record and whose folder can not be read', async () => {
    const runs = join(temporaryFolder(), 'runs')
    const { folder, uuid, uid } = await leave('echo run >>"$RUNS"', { env: { RUNS: runs } })
    await untilGone(uid)
    // As by an API that was killed when it had just started the supervisor.
    await rewrite(folder, uuid, (record) => ({
      ...record,
      attempt: { uid, number: 1, uploader: {}, worker: {} },
    }))
    const { root } = attemptFolders(join(folder, 'local'), uuid, uid)
    await hide(root)
    const backend = await startBackend(folder)
    await runAnother(backend)
    expect(backend.get(uuid)?.observation.ended).toBeUndefined()
    await show(root)
    const { observation } = await until(backend, uuid, hasEnded)
    expect(observation.attempt).toMatchObject({ uid, worker: { exitCode: 0 } })
    expect(await readFile(runs, 'utf8')).toBe('run\n')
  })

  it('ends a deleted job though it closes at the same moment', async () => {
    const folder = temporaryFolder()
    const backend = await startBackend(folder)
    const plan = planFor(shellRequest('sleep 600'))
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, running)
    await backend.stop(plan.uuid, stopAs('deleted'))
    await backend.close()
    const uid = observation.attempt?.uid ?? ''
    for (const marker of [supervisorMarker, workerMarker, uploaderMarker])
      expect(await markedProcesses(marker(uid))).toEqual([])
  })
})
