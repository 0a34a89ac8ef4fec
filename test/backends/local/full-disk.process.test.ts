import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { call, deployJson } from '../../http/client.ts'
import { type ApiProcess, startApiProcess } from '../../support/api/api-process.ts'
import { endJobs } from '../../support/end-jobs.ts'
import { canMount, fillDisk, smallDisk } from '../../support/files/small-disk.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { eventually } from '../../support/time/eventually.ts'

const patience = { within: 60_000 }

describe.skipIf(!canMount)('a full disk', () => {
  it('is named to callers and operators, and a job that fills it is deleted', async () => {
    const disk = smallDisk(8)
    const api = await startApi(disk)
    const id = await deploy(api, 'cat /dev/zero >"$RESULT_DIRECTORY/file"; sleep 600')
    await eventually(async () => expect(await health(api)).toContain('full'), patience)
    // The probe of /health gives back the room that it took, after the job's last write has failed.
    fillDisk(disk)
    const refused = await call(api.url, deployJson({ command: ['true'] }))
    expect(refused.status).toBe(503)
    expect(refused.json()).toMatchObject({ detail: expect.stringContaining(`disk of ${disk}/data`) })

    expect((await call(api.url, { method: 'DELETE', path: `/job/${id}` })).status).toBe(204)
    await eventually(() => expect(readdirSync(join(disk, 'data/local'))).not.toContain(id), patience)
    await eventually(async () => expect(await health(api)).toBe('ok: '), patience)
    expect(await ended(api, await deploy(api, 'true'))).toMatchObject({ state: 'succeeded' })
  })

  it('shows why nothing is stored, and how much is', async () => {
    const api = await startApi(smallDisk(8))
    const id = await deploy(api, 'head -c 5000000 /dev/zero >"$RESULT_DIRECTORY/file"')
    await eventually(async () => {
      expect((await call(api.url, { path: `/job/${id}` })).json()).toMatchObject({
        state: 'storing',
        reason: 'StorageFull',
        message: expect.stringContaining('0 of 1 file'),
      })
    }, patience)
    const end = call(api.url, { path: `/job/${id}?wait=50` })
    expect((await call(api.url, { method: 'DELETE', path: `/job/${id}` })).status).toBe(204)
    await end
  })

  it('keeps neither the next start nor a deletion after it, though the deletion makes no room', async () => {
    const disk = smallDisk(8)
    const first = await startApi(disk)
    const [one, two] = [await deploy(first, 'sleep 600'), await deploy(first, 'true')]
    await ended(first, two)
    await eventually(async () => expect(await stateOf(first, one)).toBe('running'), patience)
    fillDisk(disk)
    await first.kill()
    const second = await startApi(disk)
    expect(await health(second)).toContain('full')
    for (const id of [one, two]) {
      expect((await call(second.url, { method: 'DELETE', path: `/job/${id}` })).status).toBe(204)
      expect((await call(second.url, { path: `/job/${id}` })).status).toBe(404)
    }
    await eventually(() => {
      const names = readdirSync(join(disk, 'data/local'))
      expect(names.filter((name) => name === one || name === two)).toEqual([])
    }, patience)
    expect(await second.stop()).toBe(0)
  })
})

describe('a DATA_DIRECTORY that never can be used', () => {
  it.each([
    ['is a file', 'file'],
    ['lies below a file', 'file/data'],
    ['lies below /proc', '/proc/nothing/data'],
  ])('that %s ends the program with code 2 and one line', async (_, path) => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), '')
    await expectRefusal(join(path.startsWith('/') ? '/' : folder, path))
  })

  it.skipIf(!canMount)('that is read-only ends the program with code 2 and one line', async () => {
    await expectRefusal(join(smallDisk(1, 'ro'), 'data'))
    await expectRefusal(smallDisk(1, 'ro'))
  })
})

async function expectRefusal(directory: string): Promise<void> {
  const root = join(import.meta.dirname, '../../..')
  const child = spawn(process.execPath, [join(root, 'src/main.ts')], {
    env: { PATH: process.env.PATH ?? '', PORT: '0', DATA_DIRECTORY: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  expect(errors).toMatch(new RegExp(`^settings: DATA_DIRECTORY: ${directory} can't be used: E[A-Z]+.*\n$`))
  expect(code).toBe(2)
}

async function startApi(disk: string): Promise<ApiProcess> {
  const jobs = join(disk, 'jobs')
  mkdirSync(jobs, { recursive: true })
  const api = await startApiProcess({
    DATA_DIRECTORY: join(disk, 'data'),
    JOBS_DIRECTORY: jobs,
    LOCAL_ALLOW_COMMANDS: '1',
    LOCAL_MAX_RUNNING: '4',
    ALLOW_UNAUTHENTICATED: '1',
  })
  onTestFinished(async () => {
    await api.kill()
    // A job that outlives the API would write into the folder that the disk was mounted on.
    await endJobs(join(disk, 'data'))
  })
  return api
}

async function deploy(api: ApiProcess, script: string): Promise<string> {
  const request = { command: ['sh', '-c', script], stop_grace_seconds: 1 }
  const answer = (await call(api.url, deployJson(request))).json() as { job_uuid: string }
  expect(answer).toMatchObject({ status: 'job deployed' })
  return answer.job_uuid
}

async function stateOf(api: ApiProcess, id: string): Promise<string> {
  return ((await call(api.url, { path: `/job/${id}` })).json() as { state: string }).state
}

async function ended(api: ApiProcess, id: string): Promise<unknown> {
  return (await call(api.url, { path: `/job/${id}?wait=50` })).json()
}

async function health(api: ApiProcess): Promise<string> {
  const { status, missing } = (await call(api.url, { path: '/health' })).json() as {
    status: string
    missing: string[]
  }
  return `${status}: ${missing.join('; ')}`
}
