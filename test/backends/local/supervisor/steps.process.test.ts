import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { JobRequest } from '../../../../src/job/request/request.ts'
import { hasEnded, until } from '../../../job/live-jobs.ts'
import { temporaryFolder } from '../../../support/files/temporary-folder.ts'
import { eventually } from '../../../support/time/eventually.ts'
import { killSupervisor, startBackend } from '../setup.ts'
import { leaveWhen, patience, running, untilGone } from './left-jobs.ts'

type Steps = NonNullable<JobRequest['steps']>

const secret = 'hunter2'
const second = { name: 'second', args: ['echo "$KEY" >"$RESULT_DIRECTORY/2"'], env: { KEY: secret } }

/** A job that runs its first step, without its API. */
async function leaveSteps(folder: string, steps: Steps) {
  return await leaveWhen(folder, running, '', {}, { steps })
}

describe('without an API, a supervisor', { timeout: 120_000 }, () => {
  it('goes on with the next step, and keeps no variable of it after the end', async () => {
    const folder = temporaryFolder()
    const go = join(folder, 'go')
    const first = { name: 'first', args: [`until [ -e ${go} ]; do sleep 0.1; done`] }
    const { uuid, uid } = await leaveSteps(folder, [first, second])
    await writeFile(go, '')
    await untilGone(uid)
    const { observation, request } = await until(await startBackend(folder), uuid, hasEnded)
    expect(observation.attempt).toMatchObject({
      worker: { exitCode: 0, step: 'second' },
      steps: [
        { name: 'first', exitCode: 0 },
        { name: 'second', exitCode: 0 },
      ],
    })
    expect(JSON.parse(observation.attempt?.uploader.message ?? '{}')).toMatchObject({ count: 1 })
    expect(request.steps?.[1]?.env).toEqual({ KEY: '' })
    const read = (file: string) => readFile(join(folder, 'local', uuid, file), 'utf8')
    expect(await read(join(uid, 'attempt.json'))).not.toContain(secret)
    // The backend shows the end before it is on the disk.
    await eventually(async () => expect(await read('job.json')).not.toContain(secret), patience)
  })

  it('ends a step after its timeout_seconds, and starts no other', async () => {
    const folder = temporaryFolder()
    const first = { name: 'first', args: ['exec sleep 600'], timeout_seconds: 2 }
    const { uuid, uid } = await leaveSteps(folder, [first, second])
    await untilGone(uid)
    const { observation } = await until(await startBackend(folder), uuid, hasEnded)
    expect(observation.stop?.cause).toEqual({
      reason: 'TimeoutExceeded',
      message: 'the step `first` was still running 2 s after its start',
    })
    expect(observation.attempt?.steps).toMatchObject([{ exitCode: 143 }, { name: 'second' }])
    expect(observation.attempt?.steps?.[1]).not.toHaveProperty('startedAt')
  })
})

it('a job whose supervisor is killed during a step starts no other step, and keeps its files', {
  timeout: 120_000,
}, async () => {
  const folder = temporaryFolder()
  const first = { name: 'first', args: ['echo 1 >"$RESULT_DIRECTORY/1"; exec sleep 600'] }
  const { uuid, uid } = await leaveSteps(folder, [first, second])
  await killSupervisor(uid)
  const { observation } = await until(await startBackend(folder), uuid, hasEnded)
  expect(observation.attempt).toMatchObject({ uid, interrupted: { reason: 'Interrupted' } })
  expect(observation.attempt?.steps?.[1]).toEqual({ name: 'second' })
  await untilGone(uid)
})
