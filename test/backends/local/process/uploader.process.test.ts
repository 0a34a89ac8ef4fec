import { describe, expect, it } from 'vitest'
import { s3Factory } from '../../../../src/store/s3/s3-factory.ts'
import { planFor, stopAs } from '../../../job/backend-under-test.ts'
import { hasEnded, until } from '../../../job/live-jobs.ts'
import { temporaryFolder } from '../../../support/files/temporary-folder.ts'
import { logOf, recordOf, scriptedUploader, shellRequest, startBackend } from '../setup.ts'

describe('an uploader', () => {
  it('is restarted for its last pass after it was killed', async () => {
    const folder = temporaryFolder()
    const backend = await startBackend(folder)
    const plan = planFor(shellRequest('echo kept >"$RESULT_DIRECTORY/file"; sleep 1'))
    await backend.create(plan)
    await until(backend, plan.uuid, (job) => job.observation.attempt?.worker.startedAt !== undefined)
    const { attempt } = await recordOf(folder, plan.uuid)
    const pid = attempt?.uploader.process?.pid
    // Group 0 would be the test's own.
    if (pid === undefined) throw new Error('the uploader has no pid')
    process.kill(-pid, 'SIGKILL')
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(JSON.parse(observation.attempt?.uploader.message ?? '{}')).toMatchObject({ count: 1, bytes: 5 })
  })

  it('gets the credentials in files, not in its environment', async () => {
    const folder = temporaryFolder()
    const script = 'env; ls -ln "$CREDENTIALS_DIRECTORY"; cat "$CREDENTIALS_DIRECTORY"/*-key; exit 3'
    const backend = await startBackend(folder, {
      uploader: await scriptedUploader(folder, script),
      store: s3Factory.forChildren({
        endpoint: 'http://127.0.0.1:1',
        bucket: 'b',
        region: 'us-east-1',
        prefix: 'p',
        accessKey: 'the-access-key',
        secretKey: 'the-secret-key',
      }),
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
    const folder = temporaryFolder()
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

  it('that is not ready yet shows its reason', async () => {
    const folder = temporaryFolder()
    const words = JSON.stringify({ reason: 'StoreUnavailable', message: 'connection refused' })
    const uploader = await scriptedUploader(folder, `echo starting; echo '${words}'; sleep 60`)
    const backend = await startBackend(folder, { uploader })
    const plan = planFor(shellRequest('exit 0'))
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, (job) => job.observation.blocked !== undefined)
    expect(observation.blocked).toEqual({ reason: 'StoreUnavailable', message: 'connection refused' })
  })

  it('that hangs in its last pass is killed after the grace period of a stop', async () => {
    const folder = temporaryFolder()
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
    expect(Date.now() - began).toBeLessThan(60_000)
  })
})
