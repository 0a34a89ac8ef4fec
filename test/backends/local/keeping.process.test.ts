import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createLocalBackend } from '../../../src/backends/local/local-backend.ts'
import { newRecord } from '../../../src/backends/local/record/new-record.ts'
import { createLog } from '../../../src/util/log.ts'
import { planFor, stopAs } from '../../job/backend-under-test.ts'
import { hasEnded, until } from '../../job/live-jobs.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { eventually } from '../../support/time/eventually.ts'
import { manualClock } from '../../support/time/manual-clock.ts'
import { recordOf, settingsIn, shellRequest, startBackend } from './setup.ts'

describe('creating a job', () => {
  it.each([
    ['command', shellRequest('', { command: [] })],
    ['command', { ...shellRequest(''), command: undefined as never }],
    ['command', shellRequest('', { command: ['a\0b'] })],
    ['args', shellRequest('a\0b')],
    ['env', shellRequest('', { env: { A: '\0' } })],
    ['config_map_ref', shellRequest('', { config_map_ref: ['env-0123456789abcdef'] })],
    ['config_map_ref', shellRequest('', { config_map_ref: ['../../etc/passwd'] })],
  ])('refuses a request unusable for a process, and names %s', async (field, request) => {
    const folder = temporaryFolder()
    const backend = await startBackend(folder)
    const plan = planFor(request)
    await expect(backend.create(plan)).rejects.toMatchObject({ code: 'invalid-request', errors: [{ field }] })
    expect(backend.get(plan.uuid)).toBeUndefined()
    expect(await readdir(join(folder, 'local'))).not.toContain(plan.uuid)
  })

  it('resolves once the job is in a file that only its owner can read', async () => {
    const folder = temporaryFolder()
    const backend = await startBackend(folder, { concurrency: 0 })
    const plan = planFor(shellRequest('exit 0', { env: { TOKEN: 'very-secret-indeed' } }))
    await backend.create(plan)
    expect(await recordOf(folder, plan.uuid)).toMatchObject({ environment: { TOKEN: 'very-secret-indeed' } })
    expect((await stat(join(folder, 'local', plan.uuid, 'job.json'))).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'local', plan.uuid))).mode & 0o777).toBe(0o700)
  })

  it('drops the values of the environment once the job has ended', async () => {
    const folder = temporaryFolder()
    const backend = await startBackend(folder)
    const plan = planFor(shellRequest('exit 0', { env: { TOKEN: 'very-secret-indeed' } }))
    await backend.create(plan)
    await until(backend, plan.uuid, hasEnded)
    await eventually(async () => {
      expect(await readFile(join(folder, 'local', plan.uuid, 'job.json'), 'utf8')).not.toContain(
        'very-secret',
      )
    })
  })
})

describe('releasing a job', () => {
  it('removes its local results at once, and the rest after keep_seconds', async () => {
    const folder = temporaryFolder()
    const clock = manualClock()
    const backend = await startBackend(folder, { clock })
    const plan = planFor(shellRequest('mkdir "$RESULT_DIRECTORY/closed"; chmod 0 "$RESULT_DIRECTORY/closed"'))
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, hasEnded)
    await backend.release(plan.uuid, 600)
    expect(backend.get(plan.uuid)?.released).toBe(true)
    const attempt = join(folder, 'local', plan.uuid, observation.attempt?.uid ?? '')
    expect(await readdir(attempt)).not.toContain('result')
    expect(await readdir(attempt)).toContain('worker.log')
    await clock.advance(599_000)
    expect(backend.get(plan.uuid)?.released).toBe(true)
    await clock.advance(1000)
    await eventually(() => expect(backend.get(plan.uuid)).toBeUndefined())
    expect(await readdir(join(folder, 'local'))).not.toContain(plan.uuid)
  })

  it('is replaced by a deletion', async () => {
    const backend = await startBackend(temporaryFolder())
    const plan = planFor(shellRequest('exit 0'))
    await backend.create(plan)
    await until(backend, plan.uuid, hasEnded)
    await backend.release(plan.uuid, 600)
    await backend.stop(plan.uuid, stopAs('deleted'))
    expect(backend.get(plan.uuid)).toBeUndefined()
    expect(await backend.create(plan)).toMatchObject({ created: true })
  })

  it('and a deletion at any moment of it leave nothing and reject nothing', async () => {
    const folder = temporaryFolder()
    const uuids: string[] = Array.from({ length: 40 }, () => randomUUID())
    for (const uuid of uuids) await writeEndedJob(folder, uuid)
    const backend = await startBackend(folder)
    for (const [turns, uuid] of uuids.entries()) {
      const released = backend.release(uuid, 600)
      // The first 20 within the turns before the record is written, the others meanwhile.
      for (let turn = 0; turn < turns && turns < 20; turn++) await Promise.resolve()
      for (let turn = 20; turn < turns; turn++) await setImmediate()
      await backend.stop(uuid, stopAs('deleted'))
      await released
      if (backend.get(uuid)?.released === false) await backend.discard(uuid)
      expect(backend.get(uuid)).toBeUndefined()
    }
    const left = await readdir(join(folder, 'local'))
    expect(left.filter((name) => uuids.includes(name))).toEqual([])
  })

  it('survives a restart', async () => {
    const folder = temporaryFolder()
    const clock = manualClock()
    const first = createLocalBackend(settingsIn(folder, { clock }), createLog('test', 'silent'))
    await first.start()
    const plan = planFor(shellRequest('exit 0'))
    await first.create(plan)
    await until(first, plan.uuid, hasEnded)
    await first.release(plan.uuid, 600)
    await first.close()
    const backend = await startBackend(folder, { clock })
    await clock.advance(600_000)
    await eventually(() => expect(backend.get(plan.uuid)).toBeUndefined())
    expect(await readdir(join(folder, 'local'))).not.toContain(plan.uuid)
  })
})

describe('a directory', () => {
  it('serves one API at a time', async () => {
    const folder = temporaryFolder()
    await startBackend(folder)
    const second = createLocalBackend(settingsIn(folder), createLog('test', 'silent'))
    await expect(second.start()).rejects.toThrow(/^settings: DATA_DIRECTORY: .* is held by process \d+; /)
    await second.close()
  })

  it('may hold interrupted creations, damaged records and foreign folders', async () => {
    const folder = temporaryFolder()
    const [cutShort, damaged] = [randomUUID(), randomUUID()]
    for (const name of [cutShort, damaged, 'others'])
      await mkdir(join(folder, 'local', name), { recursive: true })
    await writeFile(join(folder, 'local', damaged, 'job.json'), '{"version":')
    const backend = await startBackend(folder)
    expect([...backend.list()]).toEqual([])
    const names = await readdir(join(folder, 'local'))
    expect(names).not.toContain(cutShort)
    expect(names).toContain(damaged)
    expect(names).toContain('others')
  })
})

/** A job that ended before the backend's start. */
async function writeEndedJob(folder: string, uuid: string): Promise<void> {
  const plan = { ...planFor(shellRequest('exit 0')), uuid }
  const record = newRecord({ plan, environments: [], namedVariablesOnly: false, createdAt: Date.now() })
  await mkdir(join(folder, 'local', uuid), { recursive: true })
  const ended = { ...record, ended: { at: Date.now() } }
  await writeFile(join(folder, 'local', uuid, 'job.json'), JSON.stringify(ended))
}
