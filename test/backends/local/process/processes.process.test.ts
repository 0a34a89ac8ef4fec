import { spawn } from 'node:child_process'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { attemptFolders } from '../../../../src/backends/local/files/job-folders.ts'
import { createLocalBackend } from '../../../../src/backends/local/local-backend.ts'
import {
  markedProcesses,
  uploaderMarker,
  workerMarker,
} from '../../../../src/backends/local/process/kill-processes.ts'
import { refOf } from '../../../../src/backends/local/process/process-table.ts'
import type { LocalAttemptRecord } from '../../../../src/backends/local/record/local-job-record.ts'
import { killAttempt } from '../../../../src/backends/local/recover.ts'
import { supervisorMarker } from '../../../../src/backends/local/supervisor/supervisor-process.ts'
import type { LiveJob } from '../../../../src/job/backend.ts'
import { createLog } from '../../../../src/util/log.ts'
import { planFor, stopAs } from '../../../job/backend-under-test.ts'
import { hasEnded, until } from '../../../job/live-jobs.ts'
import { temporaryFolder } from '../../../support/files/temporary-folder.ts'
import { eventually } from '../../../support/time/eventually.ts'
import { killSupervisor, recordOf, settingsIn, shellRequest, startBackend } from '../setup.ts'

describe('processes of a job', { timeout: 60_000 }, () => {
  const running = (one: LiveJob) => one.observation.attempt?.worker.startedAt !== undefined

  it('are not mistaken for another process with the same pid', async () => {
    const folder = temporaryFolder()
    const innocent = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' })
    onTestFinished(() => void innocent.kill('SIGKILL'))
    const ref = refOf(innocent.pid ?? 0)
    if (ref === undefined) throw new Error('sleep has not started')
    const plan = planFor(shellRequest('sleep 60'))
    const first = createLocalBackend(settingsIn(folder), createLog('test', 'silent'))
    await first.start()
    await first.create(plan)
    await until(first, plan.uuid, running)
    await first.close()
    const record = await recordOf(folder, plan.uuid)
    await killAttempt(record.attempt as LocalAttemptRecord, plan.uuid, createLog('test', 'error'))
    const reused = { pid: ref.pid, started: `${ref.started}0` }
    const root = join(folder, 'local', plan.uuid)
    for (const file of [join(root, 'job.json'), join(root, record.attempt?.uid ?? '', 'attempt.json')]) {
      const saved = JSON.parse(await readFile(file, 'utf8')) as { attempt: LocalAttemptRecord }
      saved.attempt.worker.process = reused
      saved.attempt.uploader.process = reused
      saved.attempt.supervisor = reused
      await writeFile(file, JSON.stringify(saved))
    }

    const backend = await startBackend(folder)
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(observation.attempt?.interrupted?.reason).toBe('Interrupted')
    expect(innocent.exitCode ?? innocent.signalCode).toBeNull()
  })

  it('go on when the API closes, whose log says how to stop them', async () => {
    const folder = temporaryFolder()
    const lines: unknown[] = []
    const log = createLog('test', 'silent')
    log.warn = (...line: unknown[]) => void lines.push(line)
    const first = createLocalBackend(settingsIn(folder), log)
    await first.start()
    const plan = planFor(shellRequest('echo part >"$RESULT_DIRECTORY/file"; sleep 600'))
    await first.create(plan)
    const { observation } = await until(first, plan.uuid, running)
    const attempt = observation.attempt?.uid ?? ''
    await first.close()
    await expect(first.stop(plan.uuid, stopAs('canceled'))).rejects.toMatchObject({ code: 'unavailable' })
    expect(await markedProcesses(workerMarker(attempt))).not.toEqual([])
    const [supervisor] = await markedProcesses(supervisorMarker(attempt))
    const pid = supervisor?.pid ?? 0
    expect(lines).toEqual([
      [{ supervisors: { [plan.uuid]: pid } }, expect.stringContaining('`kill <supervisor>` stops one')],
    ])

    process.kill(pid, 'SIGTERM')
    await eventually(
      async () => expect(await markedProcesses(supervisorMarker(attempt))).toEqual([]),
      patience,
    )
    const job = await until(await startBackend(folder), plan.uuid, hasEnded)
    expect(job.observation.attempt?.interrupted).toMatchObject({ reason: 'Interrupted' })
    expect(JSON.parse(job.observation.attempt?.uploader.message ?? '{}')).toMatchObject({ count: 1 })
    expect(await markedProcesses(workerMarker(attempt))).toEqual([])
  })

  it('are followed by the next API whatever its limit, and stopped by it', async () => {
    const folder = temporaryFolder()
    const plan = planFor(shellRequest('echo part >"$RESULT_DIRECTORY/file"; sleep 600'))
    const first = await startBackend(folder)
    await first.create(plan)
    await until(first, plan.uuid, running)
    await first.close()

    const full = await startBackend(folder, { concurrency: 0 })
    await full.stop(plan.uuid, stopAs('canceled'))
    const { observation } = await until(full, plan.uuid, hasEnded)
    expect(observation.stop?.outcome).toBe('canceled')
    expect(JSON.parse(observation.attempt?.uploader.message ?? '{}')).toMatchObject({ count: 1, bytes: 5 })
  })

  it('leave a job its last pass if it is stopped before the pass begins', async () => {
    const folder = temporaryFolder()
    const plan = planFor(shellRequest('echo part >"$RESULT_DIRECTORY/file"; sleep 600'))
    const first = await startBackend(folder)
    await first.create(plan)
    const uid = (await until(first, plan.uuid, running)).observation.attempt?.uid ?? ''
    const file = join(attemptFolders(join(folder, 'local'), plan.uuid, uid).result, 'file')
    await eventually(async () => expect((await stat(file)).size).toBe(5), patience)
    await first.close()
    await killSupervisor(uid)

    const full = await startBackend(folder, { concurrency: 0 })
    await full.stop(plan.uuid, stopAs('canceled'))
    expect(full.get(plan.uuid)?.observation.attempt?.ended).toBe(false)
    await full.close()
    const { observation } = await until(await startBackend(folder), plan.uuid, hasEnded)
    expect(observation.stop?.outcome).toBe('canceled')
    expect(JSON.parse(observation.attempt?.uploader.message ?? '{}')).toMatchObject({ count: 1, bytes: 5 })
  })

  it('end when their supervisor is killed, and the job is interrupted with its files', async () => {
    const folder = temporaryFolder()
    const backend = await startBackend(folder)
    const plan = planFor(shellRequest('echo part >"$RESULT_DIRECTORY/file"; sleep 600'))
    await backend.create(plan)
    const { observation: before } = await until(backend, plan.uuid, running)
    const attempt = before.attempt?.uid ?? ''
    const file = join(attemptFolders(join(folder, 'local'), plan.uuid, attempt).result, 'file')
    await eventually(async () => expect((await stat(file)).size).toBe(5), patience)
    await killSupervisor(attempt)
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(observation.attempt).toMatchObject({
      interrupted: { reason: 'Interrupted', message: expect.stringContaining('its supervisor was killed') },
    })
    expect(JSON.parse(observation.attempt?.uploader.message ?? '{}')).toMatchObject({ count: 1 })
    expect(await markedProcesses(workerMarker(attempt))).toEqual([])
  })

  it('end by themselves when their folder is removed by hand', async () => {
    const folder = temporaryFolder()
    const backend = await startBackend(folder)
    const plan = planFor(shellRequest('sleep 600'))
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, running)
    const attempt = observation.attempt?.uid ?? ''
    await backend.close()
    await rm(join(folder, 'local', plan.uuid), { recursive: true, force: true })
    for (const marker of [supervisorMarker, workerMarker, uploaderMarker])
      await eventually(async () => expect(await markedProcesses(marker(attempt))).toEqual([]), patience)
  })
})

const patience = { within: 30_000 }
