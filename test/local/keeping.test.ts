import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createLocalBackend } from '../../src/local/backend.ts'
import { createLog } from '../../src/log.ts'
import { hasEnded, planFor, stopAs, until } from '../job/backend.conformance.ts'
import { eventually } from '../support/eventually.ts'
import { recordOf, settingsIn, shellRequest, startBackend, temporaryFolder } from './setup.ts'

describe('creating a job', () => {
  it.each([
    ['command', shellRequest('', { command: [] })],
    ['command', { ...shellRequest(''), command: undefined as never }],
    ['command', shellRequest('', { command: ['a\0b'] })],
    ['args', shellRequest('a\0b')],
    ['env', shellRequest('', { env: { A: '\0' } })],
    ['config_map_ref', shellRequest('', { config_map_ref: ['env-0123456789abcdef'] })],
    ['config_map_ref', shellRequest('', { config_map_ref: ['../../etc/passwd'] })],
  ])('refuses what no process can be started with and names %s', async (field, request) => {
    const folder = await temporaryFolder()
    const backend = await startBackend(folder)
    const plan = planFor(request)
    await expect(backend.create(plan)).rejects.toMatchObject({ code: 'invalid-request', errors: [{ field }] })
    expect(backend.get(plan.uuid)).toBeUndefined()
    expect(await readdir(join(folder, 'local'))).not.toContain(plan.uuid)
  })

  it('has written the job down when it resolves, for its owner alone, without its values in what callers see', async () => {
    const folder = await temporaryFolder()
    const backend = await startBackend(folder, { concurrency: 0 })
    const plan = planFor(shellRequest('exit 0', { env: { TOKEN: 'very-secret-indeed' } }))
    await backend.create(plan)
    expect(await recordOf(folder, plan.uuid)).toMatchObject({ environment: { TOKEN: 'very-secret-indeed' } })
    expect((await stat(join(folder, 'local', plan.uuid, 'job.json'))).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'local', plan.uuid))).mode & 0o777).toBe(0o700)
  })

  it('forgets the values of the environment once the job has ended', async () => {
    const folder = await temporaryFolder()
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
  it('removes its local results at once, and the rest when its time has come', async () => {
    const folder = await temporaryFolder()
    const backend = await startBackend(folder)
    const plan = planFor(shellRequest('mkdir "$RESULT_DIRECTORY/closed"; chmod 0 "$RESULT_DIRECTORY/closed"'))
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, hasEnded)
    await backend.release(plan.uuid, 1)
    expect(backend.get(plan.uuid)?.released).toBe(true)
    const attempt = join(folder, 'local', plan.uuid, observation.attempt?.uid ?? '')
    expect(await readdir(attempt)).not.toContain('result')
    expect(await readdir(attempt)).toContain('worker.log')
    await eventually(() => expect(backend.get(plan.uuid)).toBeUndefined())
    expect(await readdir(join(folder, 'local'))).not.toContain(plan.uuid)
  })

  it('gives way to a deletion', async () => {
    const backend = await startBackend(await temporaryFolder())
    const plan = planFor(shellRequest('exit 0'))
    await backend.create(plan)
    await until(backend, plan.uuid, hasEnded)
    await backend.release(plan.uuid, 600)
    await backend.stop(plan.uuid, stopAs('deleted'))
    expect(backend.get(plan.uuid)).toBeUndefined()
    expect(await backend.create(plan)).toMatchObject({ created: true })
  })

  it('holds over a restart', async () => {
    const folder = await temporaryFolder()
    const first = createLocalBackend(settingsIn(folder), createLog('test', 'silent'))
    await first.start()
    const plan = planFor(shellRequest('exit 0'))
    await first.create(plan)
    await until(first, plan.uuid, hasEnded)
    await first.release(plan.uuid, 1)
    await first.close()
    const backend = await startBackend(folder)
    await eventually(() => expect(backend.get(plan.uuid)).toBeUndefined())
    expect(await readdir(join(folder, 'local'))).not.toContain(plan.uuid)
  })
})

describe('a directory', () => {
  it('serves one API at a time', async () => {
    const folder = await temporaryFolder()
    await startBackend(folder)
    const second = createLocalBackend(settingsIn(folder), createLog('test', 'silent'))
    await expect(second.start()).rejects.toMatchObject({ code: 'unavailable' })
    await second.close()
  })

  it('may hold creations cut short, records that are damaged and files of others', async () => {
    const folder = await temporaryFolder()
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
