import { spawn } from 'node:child_process'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { layout } from '../../src/artifact/layout.ts'
import type { JobBackend } from '../../src/job/backend.ts'
import { createLocalBackend } from '../../src/local/backend.ts'
import { attemptFolders } from '../../src/local/folders.ts'
import { carriersOf, workerMarker } from '../../src/local/kill.ts'
import { refOf } from '../../src/local/process-table.ts'
import { createLog } from '../../src/log.ts'
import { hasEnded, planFor, stopAs, until } from '../job/backend.conformance.ts'
import {
  recordOf,
  scriptedUploader,
  settingsIn,
  shellRequest,
  startBackend,
  temporaryFolder,
} from './setup.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('a worker', () => {
  it('gets the variables it needs and nothing else of the API', async () => {
    vi.stubEnv('S3_SECRET_KEY', 'very-secret-indeed')
    vi.stubEnv('TZ', 'Asia/Tokyo')
    const folder = await temporaryFolder()
    const backend = await startBackend(folder)
    const plan = planFor(shellRequest('pwd; env; node --version', { env: { OWN: 'x' } }))
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, hasEnded)

    const [pwd, ...lines] = (await logOf(backend, plan.uuid)).split('\n')
    const folders = attemptFolders(join(folder, 'local'), plan.uuid, observation.attempt?.uid ?? '')
    expect(pwd).toBe(folders.work)
    expect(lines).toContain('OWN=x')
    expect(lines).toContain('TZ=Asia/Tokyo')
    expect(lines).toContain(`RESULT_DIRECTORY=${folders.result}`)
    expect(lines).toContain(`INPUT_DIRECTORY=${folders.input}`)
    expect(lines).toContain(process.version)
    expect(lines.join('\n')).not.toContain('very-secret-indeed')
  })

  it('leaves nothing running that could still change its results, daemons included', async () => {
    const folder = await temporaryFolder()
    const backend = await startBackend(folder)
    const writer = 'while :; do date +%N >>"$RESULT_DIRECTORY/file"; sleep 0.01; done'
    const script = `(${writer}) & (setsid sh -c '${writer}' &) ; sleep 0.3; exit 0`
    const plan = planFor(shellRequest(script))
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, hasEnded)

    expect(observation.attempt?.worker.exitCode).toBe(0)
    const uid = observation.attempt?.uid ?? ''
    expect(await carriersOf(workerMarker(uid))).toEqual([])
    const file = join(attemptFolders(join(folder, 'local'), plan.uuid, uid).result, 'file')
    const size = (await stat(file)).size
    await delay(100)
    expect((await stat(file)).size).toBe(size)
    expect((await stat(join(folder, 'store', layout.file(plan.uuid, uid, 'file')))).size).toBe(size)
  })

  it('that can not be started fails its job by name, and the next job runs', async () => {
    const backend = await startBackend(await temporaryFolder())
    const broken = planFor(shellRequest('', { command: ['no-such-program', 'x'], args: [] }))
    await backend.create(broken)
    const { observation } = await until(backend, broken.uuid, hasEnded)
    expect(observation.attempt?.worker.cause?.message).toContain('"no-such-program"')
    expect(observation.ended?.cause).toMatchObject({
      reason: 'Error',
      message: expect.stringContaining('no-such-program'),
    })
    expect(observation.attempt?.worker.startedAt).toBeUndefined()

    const plan = planFor(shellRequest('exit 0'))
    await backend.create(plan)
    expect((await until(backend, plan.uuid, hasEnded)).observation.attempt?.worker.exitCode).toBe(0)
  })

  it('shows the signal that ended it as 128 and its number', async () => {
    const backend = await startBackend(await temporaryFolder())
    const plan = planFor(shellRequest('kill -SEGV $$'))
    await backend.create(plan)
    expect((await until(backend, plan.uuid, hasEnded)).observation.attempt?.worker.exitCode).toBe(139)
  })

  it('waits while as many others run as may at once', async () => {
    const backend = await startBackend(await temporaryFolder(), { concurrency: 1 })
    const first = planFor(shellRequest('sleep 60'))
    const second = planFor(shellRequest('exit 0'))
    await backend.create(first)
    await backend.create(second)
    await until(backend, first.uuid, (job) => job.observation.attempt?.worker.startedAt !== undefined)
    expect(backend.get(second.uuid)?.observation.attempt).toBeUndefined()
    await backend.stop(first.uuid, stopAs('deleted'))
    await until(backend, second.uuid, hasEnded)
  })

  it('never starts when its job is stopped while it waits', async () => {
    const backend = await startBackend(await temporaryFolder(), { concurrency: 1 })
    const first = planFor(shellRequest('sleep 60'))
    const second = planFor(shellRequest('exit 0'))
    await backend.create(first)
    await backend.create(second)
    await backend.stop(second.uuid, stopAs('canceled'))
    expect(backend.get(second.uuid)?.observation).toMatchObject({ ended: {}, stop: { outcome: 'canceled' } })
    await backend.stop(first.uuid, stopAs('deleted'))
    await until(backend, first.uuid, hasEnded)
    expect(backend.get(second.uuid)?.observation.attempt).toBeUndefined()
  })
})

describe('an uploader', () => {
  it('is started again for its last pass where something killed it', async () => {
    const folder = await temporaryFolder()
    const backend = await startBackend(folder)
    const plan = planFor(shellRequest('echo kept >"$RESULT_DIRECTORY/file"; sleep 1'))
    await backend.create(plan)
    await until(backend, plan.uuid, (job) => job.observation.attempt?.worker.startedAt !== undefined)
    const { attempt } = await recordOf(folder, plan.uuid)
    process.kill(-(attempt?.uploader.process?.pid ?? 0), 'SIGKILL')
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(JSON.parse(observation.attempt?.uploader.message ?? '{}')).toMatchObject({ count: 1, bytes: 5 })
  })

  it('gets the credentials as files and not in its environment', async () => {
    const folder = await temporaryFolder()
    const script = 'env; ls -ln "$CREDENTIALS_DIRECTORY"; cat "$CREDENTIALS_DIRECTORY"/*-key; exit 3'
    const backend = await startBackend(folder, {
      uploader: await scriptedUploader(folder, script),
      store: {
        kind: 's3',
        endpoint: 'http://127.0.0.1:1',
        bucket: 'b',
        region: 'us-east-1',
        prefix: 'p',
        accessKey: 'the-access-key',
        secretKey: 'the-secret-key',
      },
    })
    const plan = planFor(shellRequest('exit 0'))
    await backend.create(plan)
    await until(backend, plan.uuid, hasEnded)
    const log = await logOf(backend, plan.uuid, 'uploader')
    expect(log).toContain('S3_BUCKET=b\n')
    expect(log).toMatch(/-rw-------.* access-key\n-rw-------.* secret-key\nthe-access-keythe-secret-key$/)
    expect(log).not.toMatch(/=the-(access|secret)-key/)
  })

  it('that gives up before it is ready ends the job with its reason', async () => {
    const folder = await temporaryFolder()
    const words = JSON.stringify({ reason: 'StoreUnavailable', message: 'the store refuses the key' })
    const uploader = await scriptedUploader(folder, `echo '${words}' >"$TERMINATION_MESSAGE_FILE"; exit 3`)
    const backend = await startBackend(folder, { uploader })
    const plan = planFor(shellRequest('exit 0'))
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(observation.ended?.cause).toEqual({
      reason: 'StoreUnavailable',
      message: 'the store refuses the key',
    })
    expect(observation.attempt?.worker.startedAt).toBeUndefined()
  })

  it('that can not become ready says why meanwhile', async () => {
    const folder = await temporaryFolder()
    const words = JSON.stringify({ reason: 'StoreUnavailable', message: 'connection refused' })
    const uploader = await scriptedUploader(folder, `echo starting; echo '${words}'; sleep 60`)
    const backend = await startBackend(folder, { uploader })
    const plan = planFor(shellRequest('exit 0'))
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, (job) => job.observation.blocked !== undefined)
    expect(observation.blocked).toEqual({ reason: 'StoreUnavailable', message: 'connection refused' })
  })

  it('that hangs in its last pass is ended with the grace of a stop', async () => {
    const folder = await temporaryFolder()
    const uploader = await scriptedUploader(
      folder,
      'trap "" TERM; >"$STATE_DIRECTORY/ready"; while :; do sleep 1; done',
    )
    const backend = await startBackend(folder, { uploader })
    const plan = planFor(shellRequest('exit 0', { stop_grace_seconds: 1 }))
    await backend.create(plan)
    await until(backend, plan.uuid, (job) => job.observation.attempt?.worker.finishedAt !== undefined)
    const began = Date.now()
    await backend.stop(plan.uuid, stopAs('canceled'))
    await until(backend, plan.uuid, hasEnded)
    expect(Date.now() - began).toBeLessThan(10_000)
  })
})

describe('left-over processes', () => {
  it('are never taken for ones whose pid they only share', async () => {
    const folder = await temporaryFolder()
    const innocent = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' })
    const ref = refOf(innocent.pid ?? 0)
    if (ref === undefined) throw new Error('sleep has not started')
    const plan = planFor(shellRequest('sleep 60'))
    const first = createLocalBackend(settingsIn(folder), createLog('test', 'silent'))
    await first.start()
    await first.create(plan)
    await until(first, plan.uuid, (job) => job.observation.attempt?.worker.startedAt !== undefined)
    await first.close()
    const record = await recordOf(folder, plan.uuid)
    if (record.attempt) record.attempt.worker.process = { pid: ref.pid, started: `${ref.started}0` }
    await writeFile(join(folder, 'local', plan.uuid, 'job.json'), JSON.stringify(record))

    const backend = await startBackend(folder)
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(observation.attempt?.interrupted?.reason).toBe('Interrupted')
    expect(innocent.exitCode ?? innocent.signalCode).toBeNull()
    innocent.kill('SIGKILL')
  })

  it('do not cost a job its last pass that is stopped before this could begin', async () => {
    const folder = await temporaryFolder()
    const plan = planFor(shellRequest('echo part >"$RESULT_DIRECTORY/file"; sleep 60'))
    const first = await startBackend(folder)
    await first.create(plan)
    await until(first, plan.uuid, (job) => job.observation.attempt?.worker.startedAt !== undefined)
    await delay(200)
    await first.close()

    const full = await startBackend(folder, { concurrency: 0 })
    await full.stop(plan.uuid, stopAs('canceled'))
    expect(full.get(plan.uuid)?.observation.attempt?.ended).toBe(false)
    await full.close()
    const { observation } = await until(await startBackend(folder), plan.uuid, hasEnded)
    expect(observation.stop?.outcome).toBe('canceled')
    expect(JSON.parse(observation.attempt?.uploader.message ?? '{}')).toMatchObject({ count: 1, bytes: 5 })
  })

  it('end with the API that closes', async () => {
    const folder = await temporaryFolder()
    const backend = await startBackend(folder)
    const plan = planFor(shellRequest('trap "" TERM; while :; do sleep 1; done'))
    await backend.create(plan)
    const job = await until(
      backend,
      plan.uuid,
      (one) => one.observation.attempt?.worker.startedAt !== undefined,
    )
    await backend.close()
    expect(await carriersOf(workerMarker(job.observation.attempt?.uid ?? ''))).toEqual([])
    await expect(backend.stop(plan.uuid, stopAs('canceled'))).rejects.toMatchObject({ code: 'unavailable' })
  })
})

async function logOf(
  backend: JobBackend,
  uuid: string,
  container: 'worker' | 'uploader' = 'worker',
): Promise<string> {
  const log = await backend.log(uuid, { container })
  return log ? text(log.stream) : ''
}
