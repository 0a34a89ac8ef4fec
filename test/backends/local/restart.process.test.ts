import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { attemptFolders } from '../../../src/backends/local/files/job-folders.ts'
import {
  markedProcesses,
  uploaderMarker,
  workerMarker,
} from '../../../src/backends/local/process/kill-processes.ts'
import { supervisorMarker } from '../../../src/backends/local/supervisor/supervisor-process.ts'
import type { LiveJob } from '../../../src/job/backend.ts'
import { assess } from '../../../src/job/state/state.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { readHead } from '../../../src/result-format/manifest/manifest-reader.ts'
import { createFolderStore } from '../../../src/store/folder/folder.ts'
import { planFor } from '../../job/backend-under-test.ts'
import { hasEnded, until } from '../../job/live-jobs.ts'
import { endJobs } from '../../support/end-jobs.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { eventually } from '../../support/time/eventually.ts'
import type { DriverOrder } from './driver.ts'
import { killSupervisor, recordOf, settingsIn, shellRequest, startBackend } from './setup.ts'

describe('after a kill -9 of the API', { timeout: 60_000 }, () => {
  it('takes up a job whose uploader prepares, in the same attempt', async () => {
    const folder = temporaryFolder()
    const plan = planFor(shellRequest('echo done >"$RESULT_DIRECTORY/file"'))
    await dieWith({ settings: settingsIn(folder), plans: [plan], dieWhen: 'preparing' })
    const before = await recordOf(folder, plan.uuid)

    const job = await restartAndAwaitEnd(folder, plan.uuid)
    expect(job.observation.attempt).toMatchObject({ number: 1, worker: { exitCode: 0 } })
    expect(job.observation.attempt?.uid).toBe(before.attempt?.uid)
    expect(await outcome(folder, job)).toMatchObject({
      state: 'succeeded',
      result: { state: 'complete', count: 1 },
    })
    await eventually(async () => expect(await orphans(before.attempt?.uid)).toEqual([]))
  })

  it('starts a job again if its supervisor ended before the worker’s start', async () => {
    const folder = temporaryFolder()
    const plan = planFor(shellRequest('echo done >"$RESULT_DIRECTORY/file"'))
    await dieWith({ settings: settingsIn(folder), plans: [plan], dieWhen: 'preparing' })
    const { attempt } = await recordOf(folder, plan.uuid)
    await killSupervisor(attempt?.uid ?? '')

    const job = await restartAndAwaitEnd(folder, plan.uuid)
    expect(await outcome(folder, job)).toMatchObject({ state: 'succeeded' })
    await eventually(async () => expect(await orphans(attempt?.uid)).toEqual([]))
  })

  it('takes up a running job, which succeeds with all its files', async () => {
    const folder = temporaryFolder()
    const go = join(folder, 'go')
    const script = `echo one >"$RESULT_DIRECTORY/one"; until [ -e ${go} ]; do sleep 0.1; done; echo two >"$RESULT_DIRECTORY/two"`
    const plan = planFor(shellRequest(script))
    await dieWith({ settings: settingsIn(folder), plans: [plan], dieWhen: 'running' })
    const { attempt } = await recordOf(folder, plan.uuid)

    const backend = await startBackend(folder)
    expect(backend.get(plan.uuid)?.observation.attempt?.worker.startedAt).toBeDefined()
    await writeFile(go, '')
    const job = await until(backend, plan.uuid, hasEnded)
    expect(job.observation.attempt).toMatchObject({ uid: attempt?.uid, worker: { exitCode: 0 } })
    expect(await outcome(folder, job)).toMatchObject({
      state: 'succeeded',
      result: { state: 'complete', count: 2 },
    })
    await eventually(async () => expect(await orphans(attempt?.uid)).toEqual([]))
  })

  it('finds the end of a job that ended and was stored while no API was running', async () => {
    const folder = temporaryFolder()
    const plan = planFor(shellRequest('sleep 0.3; echo whole >"$RESULT_DIRECTORY/file"; exit 3'))
    await dieWith({ settings: settingsIn(folder), plans: [plan], dieWhen: 'running' })
    const { attempt } = await recordOf(folder, plan.uuid)
    await eventually(async () => expect(await orphans(attempt?.uid)).toEqual([]), { within: 45_000 })

    const job = await restartAndAwaitEnd(folder, plan.uuid)
    expect(job.observation.attempt?.worker.exitCode).toBe(3)
    expect(await outcome(folder, job)).toMatchObject({
      state: 'failed',
      cause: { reason: 'Error', message: expect.stringContaining('code 3') },
      result: { state: 'partial', count: 1 },
    })
    expect(await resultFile(folder, job, 'file')).toBe('whole\n')
  })

  it('and one of the supervisor, interrupts the job, keeps its files and ends all of its processes', async () => {
    const folder = temporaryFolder()
    const daemon = '(setsid sh -c "while :; do sleep 0.1; done" &)'
    const plan = planFor(shellRequest(`echo part >"$RESULT_DIRECTORY/file"; ${daemon}; sleep 300`))
    await dieWith({ settings: settingsIn(folder), plans: [plan], dieWhen: 'running' })
    const { attempt } = await recordOf(folder, plan.uuid)
    const { result } = attemptFolders(join(folder, 'local'), plan.uuid, attempt?.uid ?? '')
    await eventually(async () => expect(await readFile(join(result, 'file'), 'utf8')).toBe('part\n'))
    await killSupervisor(attempt?.uid ?? '')
    expect(await orphans(attempt?.uid)).not.toEqual([])

    const job = await restartAndAwaitEnd(folder, plan.uuid)
    await eventually(async () => expect(await orphans(attempt?.uid)).toEqual([]))
    expect(job.observation.attempt?.worker.exitCode).toBeUndefined()
    expect(await outcome(folder, job)).toMatchObject({
      state: 'failed',
      cause: { reason: 'Interrupted', message: expect.stringContaining('its supervisor was killed') },
      result: { state: 'partial', count: 1, bytes: 5 },
    })
    expect(await resultFile(folder, job, 'file')).toBe('part\n')
  })

  it('and a restart of the machine, interrupts the job and says so', async () => {
    const folder = temporaryFolder()
    const plan = planFor(shellRequest('echo part >"$RESULT_DIRECTORY/file"; sleep 300'))
    await dieWith({ settings: settingsIn(folder), plans: [plan], dieWhen: 'running' })
    await endJobs(folder)
    const { attempt } = await recordOf(folder, plan.uuid)
    // All that a boot changes here: the boot id in each process’ identity.
    const root = join(folder, 'local', plan.uuid)
    for (const file of [join(root, 'job.json'), join(root, attempt?.uid ?? '', 'attempt.json')]) {
      const boot = attempt?.supervisor?.started.split(':')[0] ?? ''
      const text = await readFile(file, 'utf8')
      await writeFile(file, text.replaceAll(boot, '00000000-0000-4000-8000-000000000000'))
    }
    const job = await restartAndAwaitEnd(folder, plan.uuid)
    expect(await outcome(folder, job)).toMatchObject({
      state: 'failed',
      cause: { reason: 'Interrupted', message: expect.stringContaining('the machine was restarted') },
      result: { state: 'partial', count: 1 },
    })
  })

  it('continues storing if the worker had ended, and succeeds', async () => {
    const folder = temporaryFolder()
    const bytes = 64 * 1024 * 1024
    const plan = planFor(shellRequest(`head -c ${bytes} /dev/urandom >"$RESULT_DIRECTORY/file"`))
    await dieWith({ settings: settingsIn(folder), plans: [plan], dieWhen: 'storing' })
    const { attempt } = await recordOf(folder, plan.uuid)

    const job = await restartAndAwaitEnd(folder, plan.uuid)
    expect(job.observation.attempt).toMatchObject({ uid: attempt?.uid, worker: { exitCode: 0 } })
    expect(await outcome(folder, job)).toMatchObject({
      state: 'succeeded',
      result: { state: 'complete', bytes },
    })
    await eventually(async () => expect(await orphans(attempt?.uid)).toEqual([]))
  })

  it('cancels a job that was being stopped', async () => {
    const folder = temporaryFolder()
    const script = 'trap "" TERM; echo part >"$RESULT_DIRECTORY/file"; while :; do sleep 1; done'
    const plan = planFor(shellRequest(script))
    await dieWith({ settings: settingsIn(folder), plans: [plan], dieWhen: 'stopping', cancel: true })

    const job = await restartAndAwaitEnd(folder, plan.uuid)
    expect(job.observation.attempt?.interrupted).toBeUndefined()
    expect(await outcome(folder, job)).toMatchObject({ state: 'canceled', result: { state: 'partial' } })
  })

  it('counts a failed attempt once, and runs the one that follows it', async () => {
    const folder = temporaryFolder()
    const runs = join(folder, 'runs')
    const plan = planFor(shellRequest(`echo run >>${runs}; exit 1`, { retries: 1 }))
    await dieWith({ settings: settingsIn(folder), plans: [plan], dieWhen: 'failedOnce' })

    const { observation } = await restartAndAwaitEnd(folder, plan.uuid)
    expect(observation).toMatchObject({ failedAttempts: 2, attempt: { number: 2 } })
    expect(await readFile(runs, 'utf8')).toBe('run\nrun\n')
    expect((await recordOf(folder, plan.uuid)).earlier).toMatchObject([{ number: 1 }])
  })

  it('has the ended and the waiting jobs again, and runs the waiting ones in their order', async () => {
    const folder = temporaryFolder()
    const settings = settingsIn(folder, { concurrency: 1 })
    const plans = Array.from({ length: 4 }, () => planFor(shellRequest('exit 0')))
    await dieWith({ settings, plans, dieWhen: 'ended' })

    const backend = await startBackend(folder, { concurrency: 1 })
    const jobs = []
    for (const { uuid } of plans) jobs.push(await until(backend, uuid, hasEnded))
    const starts = jobs.map((job) => job.observation.attempt?.worker.startedAt ?? 0)
    expect(starts).toEqual(starts.toSorted((a, b) => a - b))
    expect(jobs.map((job) => job.observation.attempt?.worker.exitCode)).toEqual([0, 0, 0, 0])
  })
})

async function dieWith(order: DriverOrder): Promise<void> {
  const script = join(import.meta.dirname, 'driver.ts')
  const child = spawn(process.execPath, [script, JSON.stringify(order)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [, signal] = await once(child, 'exit')
  expect(signal).toBe('SIGKILL')
}

async function restartAndAwaitEnd(folder: string, uuid: string): Promise<LiveJob> {
  return until(await startBackend(folder), uuid, hasEnded)
}

async function outcome(folder: string, { uuid, observation, request }: LiveJob) {
  const store = createFolderStore(join(folder, 'store'))
  const head = await readHead(store, jobKeys.manifest(uuid, observation.attempt?.uid ?? ''))
  return assess(observation, head ?? 'none', request.retries)
}

function resultFile(folder: string, { uuid, observation }: LiveJob, path: string): Promise<string> {
  return readFile(join(folder, 'store', jobKeys.file(uuid, observation.attempt?.uid ?? '', path)), 'utf8')
}

async function orphans(attempt = ''): Promise<unknown[]> {
  return [
    ...(await markedProcesses(supervisorMarker(attempt))),
    ...(await markedProcesses(workerMarker(attempt))),
    ...(await markedProcesses(uploaderMarker(attempt))),
  ]
}
