import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { attemptFolders } from '../../../../src/backends/local/files/job-folders.ts'
import { markedProcesses, workerMarker } from '../../../../src/backends/local/process/kill-processes.ts'
import { jobKeys } from '../../../../src/result-format/job-keys.ts'
import { planFor, stopAs } from '../../../job/backend-under-test.ts'
import { hasEnded, until } from '../../../job/live-jobs.ts'
import { temporaryFolder } from '../../../support/files/temporary-folder.ts'
import { logOf, shellRequest, startBackend } from '../setup.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('a worker', () => {
  it("gets its own variables and the API's TZ, but no secrets of the API", async () => {
    vi.stubEnv('S3_SECRET_KEY', 'very-secret-indeed')
    vi.stubEnv('TZ', 'Asia/Tokyo')
    const folder = temporaryFolder()
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

  it.each([
    ['there is no such program', ['pyhton'], 127],
    ['the program can not be run', ['/proc/version'], 126],
  ])('has the exit code of a shell if %s', async (_, command, code) => {
    const backend = await startBackend(temporaryFolder())
    const plan = planFor({ ...shellRequest(''), command })
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(observation.attempt?.worker.exitCode).toBe(code)
  })

  it('has all its processes ended before the last pass, including daemons', async () => {
    const folder = temporaryFolder()
    const backend = await startBackend(folder)
    const writer = 'while :; do date +%N >>"$RESULT_DIRECTORY/file"; sleep 0.01; done'
    const script = `(${writer}) & (setsid sh -c '${writer}' &) ; sleep 0.3; exit 0`
    const plan = planFor(shellRequest(script))
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, hasEnded)

    expect(observation.attempt?.worker.exitCode).toBe(0)
    const uid = observation.attempt?.uid ?? ''
    expect(await markedProcesses(workerMarker(uid))).toEqual([])
    const file = join(attemptFolders(join(folder, 'local'), plan.uuid, uid).result, 'file')
    const size = (await stat(file)).size
    await delay(100)
    expect((await stat(file)).size).toBe(size)
    expect((await stat(join(folder, 'store', jobKeys.file(plan.uuid, uid, 'file')))).size).toBe(size)
  })

  it('that cannot be started fails its job with a message about the program, and the next job runs', async () => {
    const backend = await startBackend(temporaryFolder())
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

  it('ended by a signal has 128 plus the signal number as its exit code', async () => {
    const backend = await startBackend(temporaryFolder())
    const plan = planFor(shellRequest('kill -SEGV $$'))
    await backend.create(plan)
    expect((await until(backend, plan.uuid, hasEnded)).observation.attempt?.worker.exitCode).toBe(139)
  })

  it('waits while `concurrency` others run', async () => {
    const backend = await startBackend(temporaryFolder(), { concurrency: 1 })
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
    const backend = await startBackend(temporaryFolder(), { concurrency: 1 })
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
