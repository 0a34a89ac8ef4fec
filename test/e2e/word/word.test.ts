import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { deployJob, getJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { type Receiver, startReceiver } from '../../support/connector/receiver.ts'
import { killUploader } from '../../support/store/uploader-faults.ts'
import { eventually } from '../../support/time/eventually.ts'

const patient = { within: 60_000 }
let api: OnCluster
let receiver: Receiver

beforeAll(async () => {
  receiver = await startReceiver()
  const secret = `*: whsec_${Buffer.alloc(32).toString('base64')}`
  api = await startOnCluster({
    name: 'word',
    environment: { CALLBACK_SECRETS: secret, OUTGOING_ALLOW: 'any' },
  })
})
afterAll(async () => {
  await api?.close()
  await receiver?.stop()
})

const { image, image_pull_policy } = busybox('')

/** The script begins in JOBFERRY_DIRECTORY. */
function deploy(script: string, fields: Record<string, unknown> = {}): Promise<string> {
  const command = ['sh', '-c', `cd $JOBFERRY_DIRECTORY; ${script}`]
  return deployJob(api.url, { image, image_pull_policy, command, stop_grace_seconds: 5, ...fields })
}

async function jobOf(uuid: string): Promise<Job> {
  return (await getJson(`${api.url}/job/${uuid}`)) as unknown as Job
}

async function cancel(uuid: string): Promise<Job> {
  await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })
  return await waitForFinal(api.url, uuid, 60)
}

describe("a worker's word on a cluster", () => {
  it('is shown while it runs, with its values, and its files are published', async () => {
    const script = `echo '{"percent": 40, "message": "epoch 4"}' >progress.json; echo '{"loss": 0.5}' >values.json
      echo part >$RESULT_DIRECTORY/part; touch publish; sleep 600`
    const uuid = await deploy(script)
    await eventually(async () => {
      const job = await jobOf(uuid)
      expect(job).toMatchObject({ state: 'running', progress: { percent: 40, message: 'epoch 4' } })
      expect(job).toMatchObject({ values: { loss: 0.5 }, published_at: expect.any(String) })
    }, patient)
    const part = await fetch(`${api.url}/job/${uuid}/result?file=part&so_far=true`)
    expect(await part.text()).toBe('part\n')
    expect(await cancel(uuid)).toMatchObject({ state: 'canceled', progress: { percent: 40 } })
  })

  it('that it says just before its end is in the final answer and in the callback, though not in lists', async () => {
    const script = `echo '{"percent": 100}' >progress.json; echo '{"accuracy": 0.93}' >values.json`
    const uuid = await deploy(script, { callback: receiver.url })
    const values = { accuracy: 0.93 }
    const job = await waitForFinal(api.url, uuid, 90)
    expect(job).toMatchObject({ state: 'succeeded', progress: { percent: 100 }, values })
    const body = await eventually(() => {
      const found = receiver.received.find((one) => one.body.includes(uuid))?.body
      if (found === undefined) throw new Error('no callback yet')
      return found
    }, patient)
    expect(JSON.parse(body)).toMatchObject({ data: { progress: { percent: 100 }, values } })
    const { jobs } = (await getJson(`${api.url}/job`)) as unknown as { jobs: Job[] }
    expect(jobs.find(({ job_uuid }) => job_uuid === uuid)).not.toHaveProperty('values')
  })

  it('fills no more than its own folder, and links and pipes there are named', async () => {
    const script = `dd if=/dev/zero of=big bs=1M count=8 2>/dev/null && exit 9; rm big
      ln -s /proc/self/environ values.json; mkfifo progress.json; exit 0`
    const job = await waitForFinal(api.url, await deploy(script), 90)
    expect(job).toMatchObject({ state: 'succeeded', exit_code: 0, result: { state: 'complete' } })
    expect(job.message).toContain('progress.json is ignored: it is no regular file')
    expect(job.message).toContain('values.json is ignored: it is no regular file')
  })

  it('does not count in its own log', async () => {
    const line = JSON.stringify({ level: 'info', time: new Date().toISOString(), word: { percent: 77 } })
    const uuid = await deploy(`echo '${line}'; sleep 12; echo '{"percent": 1}' >progress.json; sleep 600`)
    await eventually(async () => {
      const { progress } = await jobOf(uuid)
      expect(progress?.percent).not.toBe(77)
      expect(progress).toMatchObject({ percent: 1 })
    }, patient)
    await cancel(uuid)
  })
})

describe('heartbeat_seconds on a cluster', () => {
  it('end a silent step, from its own start, and keep what it left', async () => {
    const beat = 'for n in 1 2 3 4 5 6; do touch $JOBFERRY_DIRECTORY/progress.json; sleep 2; done'
    const uuid = await deployJob(api.url, {
      ...{ image, image_pull_policy, heartbeat_seconds: 8, stop_grace_seconds: 10 },
      steps: [
        { name: 'beats', command: ['sh', '-c', `${beat}; echo kept >$RESULT_DIRECTORY/kept`] },
        { name: 'hangs', command: ['sleep', '600'] },
      ],
    })
    const job = await waitForFinal(api.url, uuid, 120)
    expect(job).toMatchObject({
      ...{ state: 'failed', reason: 'HeartbeatMissed' },
      result: { state: 'partial', count: 1 },
    })
    expect(job.message).toContain('the step `hangs` wrote no file in JOBFERRY_DIRECTORY for 8 s')
    const [beats, hangs] = job.steps ?? []
    expect(beats?.state).toBe('succeeded')
    const stoppedAt = Date.parse(String(job.finished_at))
    expect(stoppedAt - Date.parse(String(hangs?.started_at))).toBeGreaterThanOrEqual(8000)
  })

  it('let a job go on whose uploader was killed, as long as its worker speaks', async () => {
    const beat = 'for n in 1 2 3 4 5 6 7 8 9 10; do touch progress.json; sleep 2; done'
    const uuid = await deploy(beat, { heartbeat_seconds: 6 })
    await eventually(async () => expect((await jobOf(uuid)).state).toBe('running'), patient)
    await killUploader(api.namespace, uuid)
    expect(await waitForFinal(api.url, uuid, 90)).toMatchObject({ state: 'succeeded' })
  })
})
