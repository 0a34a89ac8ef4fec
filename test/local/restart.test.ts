import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createFolderStore } from '../../src/artifact/folder.ts'
import { layout } from '../../src/artifact/layout.ts'
import { readHead } from '../../src/artifact/manifest-reader.ts'
import type { LiveJob } from '../../src/job/backend.ts'
import { assess } from '../../src/job/state.ts'
import { carriersOf, uploaderMarker, workerMarker } from '../../src/local/kill.ts'
import { hasEnded, planFor, until } from '../job/backend.conformance.ts'
import { eventually } from '../support/eventually.ts'
import type { DriverOrder } from './driver.ts'
import {
  recordOf,
  scriptedUploader,
  settingsIn,
  shellRequest,
  startBackend,
  temporaryFolder,
} from './setup.ts'

describe('after a kill -9 of the API', { timeout: 60_000 }, () => {
  it('starts a job anew whose worker had not been started', async () => {
    const folder = await temporaryFolder()
    const plan = planFor(shellRequest('echo done >"$RESULT_DIRECTORY/file"'))
    await dieWith({ settings: settingsIn(folder), plans: [plan], dieWhen: 'preparing' })
    const before = await recordOf(folder, plan.uuid)

    const job = await restartAndAwaitEnd(folder, plan.uuid)
    expect(job.observation.attempt).toMatchObject({ number: 1, worker: { exitCode: 0 } })
    expect(job.observation.attempt?.uid).not.toBe(before.attempt?.uid)
    expect(await outcome(folder, job)).toMatchObject({
      state: 'succeeded',
      result: { state: 'complete', count: 1 },
    })
    expect(await leftOvers(before.attempt?.uid)).toEqual([])
  })

  it('ends an uploader in whose very start the API was killed', async () => {
    const folder = await temporaryFolder()
    const plan = planFor(shellRequest('exit 0'))
    const begun = join(folder, 'begun')
    const uploader = await scriptedUploader(
      folder,
      `echo "$ATTEMPT_UID" >${begun}; kill -9 "$PPID"; exec sleep 300`,
    )
    await dieWith({ settings: settingsIn(folder, { uploader }), plans: [plan], dieWhen: 'ended' })
    const uid = (await readFile(begun, 'utf8')).trim()
    onTestFinished(async () => {
      for (const { pid } of await carriersOf(uploaderMarker(uid))) process.kill(pid, 'SIGKILL')
    })
    expect(await leftOvers(uid)).not.toEqual([])

    await restartAndAwaitEnd(folder, plan.uuid)
    expect(await leftOvers(uid)).toEqual([])
  })

  it('ends an uploader by itself that has nothing to store yet, which loses nothing', async () => {
    const folder = await temporaryFolder()
    const plan = planFor(shellRequest('sleep 1; echo part >"$RESULT_DIRECTORY/file"; sleep 300'))
    await dieWith({ settings: settingsIn(folder), plans: [plan], dieWhen: 'running' })
    const { attempt } = await recordOf(folder, plan.uuid)
    const uploader = () => carriersOf(uploaderMarker(attempt?.uid ?? ''))
    expect(await uploader()).not.toEqual([])
    await eventually(async () => expect(await uploader()).toEqual([]), { within: 30_000 })

    const job = await restartAndAwaitEnd(folder, plan.uuid)
    expect(await outcome(folder, job)).toMatchObject({
      state: 'failed',
      cause: { reason: 'Interrupted' },
      result: { state: 'partial', count: 1, bytes: 5 },
    })
    expect(await leftOvers(attempt?.uid)).toEqual([])
  })

  it('calls a job interrupted that ran, keeps what it had produced and ends all of its processes', async () => {
    const folder = await temporaryFolder()
    const daemon = '(setsid sh -c "while :; do sleep 0.1; done" &)'
    const plan = planFor(shellRequest(`echo part >"$RESULT_DIRECTORY/file"; ${daemon}; sleep 300`))
    await dieWith({ settings: settingsIn(folder), plans: [plan], dieWhen: 'running' })
    await delay(300)
    const { attempt } = await recordOf(folder, plan.uuid)
    expect(await leftOvers(attempt?.uid)).not.toEqual([])

    const job = await restartAndAwaitEnd(folder, plan.uuid)
    expect(await leftOvers(attempt?.uid)).toEqual([])
    expect(job.observation.attempt).toMatchObject({
      uid: attempt?.uid,
      interrupted: { reason: 'Interrupted' },
    })
    expect(job.observation.attempt?.worker.exitCode).toBeUndefined()
    expect(await outcome(folder, job)).toMatchObject({
      state: 'failed',
      cause: { reason: 'Interrupted' },
      result: { state: 'partial', count: 1, bytes: 5 },
    })
    expect(await resultFile(folder, job, 'file')).toBe('part\n')
  })

  it('calls a job interrupted whose worker ended while no API was there to see it', async () => {
    const folder = await temporaryFolder()
    const plan = planFor(shellRequest('sleep 0.3; echo whole >"$RESULT_DIRECTORY/file"'))
    await dieWith({ settings: settingsIn(folder), plans: [plan], dieWhen: 'running' })
    await delay(700)

    const job = await restartAndAwaitEnd(folder, plan.uuid)
    expect(await outcome(folder, job)).toMatchObject({
      state: 'failed',
      cause: { reason: 'Interrupted' },
      result: { state: 'partial', count: 1 },
    })
  })

  it('goes on storing where the worker had ended, and succeeds', async () => {
    const folder = await temporaryFolder()
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
    expect(await leftOvers(attempt?.uid)).toEqual([])
  })

  it('ends a job as canceled that was being stopped', async () => {
    const folder = await temporaryFolder()
    const script = 'trap "" TERM; echo part >"$RESULT_DIRECTORY/file"; while :; do sleep 1; done'
    const plan = planFor(shellRequest(script))
    await dieWith({ settings: settingsIn(folder), plans: [plan], dieWhen: 'stopping', cancel: true })

    const job = await restartAndAwaitEnd(folder, plan.uuid)
    expect(job.observation.attempt?.interrupted).toBeUndefined()
    expect(await outcome(folder, job)).toMatchObject({ state: 'canceled', result: { state: 'partial' } })
  })

  it('knows the jobs that had ended and those that waited, which it runs in their order', async () => {
    const folder = await temporaryFolder()
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
  const head = await readHead(store, layout.manifest(uuid, observation.attempt?.uid ?? ''))
  return assess(observation, head ?? 'none', request.retries)
}

function resultFile(folder: string, { uuid, observation }: LiveJob, path: string): Promise<string> {
  return readFile(join(folder, 'store', layout.file(uuid, observation.attempt?.uid ?? '', path)), 'utf8')
}

async function leftOvers(attempt = ''): Promise<unknown[]> {
  return [...(await carriersOf(workerMarker(attempt))), ...(await carriersOf(uploaderMarker(attempt)))]
}
