import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Job } from '../../src/job/job.ts'
import { checkEvent } from '../http/check-answer.ts'
import { call, deployJson } from '../http/client.ts'
import { type RunningApi, startApi } from '../http/running.ts'
import { untilFinal } from '../http/until-final.ts'
import { openEvents } from '../support/api/event-stream.ts'
import { type Receiver, startReceiver } from '../support/connector/receiver.ts'
import { eventually } from '../support/time/eventually.ts'

const patient = { within: 60_000, every: 100 }
let api: RunningApi
let receiver: Receiver

beforeAll(async () => {
  receiver = await startReceiver()
  api = await startApi(
    {},
    {
      ...{ LOCAL_ALLOW_COMMANDS: '1', ALLOW_UNAUTHENTICATED: '1', OUTGOING_ALLOW: 'any' },
      CALLBACK_SECRETS: `*: whsec_${Buffer.alloc(32).toString('base64')}`,
    },
  )
})
afterAll(async () => {
  await api?.close()
  await receiver?.stop()
})

/** The script begins in JOBFERRY_DIRECTORY. */
async function deploy(script: string, fields: object = {}): Promise<string> {
  const command = ['sh', '-c', `cd "$JOBFERRY_DIRECTORY"; ${script}`]
  const answer = await call(api.url, deployJson({ command, ...fields }))
  expect(answer.status, answer.body.toString()).toBe(201)
  return (answer.json() as { job_uuid: string }).job_uuid
}

async function jobOf(uuid: string): Promise<Job> {
  return (await call(api.url, { path: `/job/${uuid}` })).json() as Job
}

async function cancel(uuid: string): Promise<Job> {
  await call(api.url, { method: 'POST', path: `/job/${uuid}/cancel` })
  return (await untilFinal(api.url, uuid)) as unknown as Job
}

describe("a worker's word", { timeout: 120_000 }, () => {
  it('is shown while it runs, and told as events', async () => {
    const uuid = await deploy(
      `echo '{"percent": 40, "message": "epoch 4 of 10"}' >progress.json; echo '{"loss": 0.5}' >values.json; sleep 600`,
      { stop_grace_seconds: 2 },
    )
    const stream = await openEvents(`${api.url}/job/${uuid}/events`)
    await eventually(async () => {
      expect(await jobOf(uuid)).toMatchObject({
        state: 'running',
        progress: { percent: 40, message: 'epoch 4 of 10' },
        values: { loss: 0.5 },
      })
    }, patient)
    await stream.until((events) => events.some(({ event }) => event === 'word'))
    for (const { event, data } of stream.events) checkEvent(event, data)
    const said = stream.events.find(({ event }) => event === 'word')
    expect(said?.data).toMatchObject({ job_uuid: uuid, percent: 40, message: 'epoch 4 of 10' })
    expect(await cancel(uuid)).toMatchObject({ state: 'canceled', progress: { percent: 40 } })
    await stream.ended
  })

  it('that it says just before its end is in the final answer, the record and the callback', async () => {
    const uuid = await deploy(
      `echo '{"percent": 100}' >progress.json; echo '{"accuracy": 0.93}' >values.json`,
      {
        callback: receiver.url,
      },
    )
    const values = { accuracy: 0.93 }
    expect(await untilFinal(api.url, uuid)).toMatchObject({
      state: 'succeeded',
      progress: { percent: 100 },
      values,
    })
    const received = await eventually(() => {
      const found = receiver.received.find(({ body }) => body.includes(uuid))
      if (found === undefined) throw new Error('no callback yet')
      return found
    }, patient)
    expect(JSON.parse(received.body)).toMatchObject({
      type: 'job.succeeded',
      data: { progress: { percent: 100 }, values },
    })
    await eventually(async () => {
      const record = (await api.stored()).find((path) => path.endsWith(`${uuid}/job.json`))
      expect(record).toBeDefined()
    }, patient)
    expect(await jobOf(uuid)).toMatchObject({ state: 'succeeded', values, values_bytes: 19 })
    const { jobs } = (await call(api.url, { path: '/job' })).json() as { jobs: Job[] }
    expect(jobs.find(({ job_uuid }) => job_uuid === uuid)).toMatchObject({ values_bytes: 19 })
    expect(jobs.filter((job) => 'values' in job)).toEqual([])
  })

  it('of an attempt does not stand for the one after it', async () => {
    // The first attempt's folder lies beside the second one's.
    const script = `test "$(ls -d ../../*/word | wc -l)" -eq 2 && exit 0; echo '{"a": 1}' >values.json; exit 1`
    const uuid = await deploy(script, { retries: 1 })
    const job = await untilFinal(api.url, uuid)
    expect(job).toMatchObject({ state: 'succeeded', attempt: { number: 2 } })
    expect(job).not.toHaveProperty('values_bytes')
  })

  it('that is not as it should be is said in the message, and the job goes on', async () => {
    const uuid = await deploy(
      `ln -s /etc/passwd values.json; mkfifo progress.json; echo result >"$RESULT_DIRECTORY/file"`,
    )
    const job = await untilFinal(api.url, uuid)
    expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete', count: 1 } })
    expect((job as unknown as Job).message).toBe(
      '1 entry, 7 bytes stored. progress.json is ignored: it is no regular file. values.json is ignored: it is no regular file',
    )
    expect(job).not.toHaveProperty('progress')
    expect(job).not.toHaveProperty('values_bytes')
  })

  it('does not count in its own log', async () => {
    const line = JSON.stringify({ level: 'info', time: '2026-01-01T00:00:00Z', word: { percent: 77 } })
    const uuid = await deploy(
      `echo '${line}'; echo '${line}' >&2; echo '{"percent": 1}' >progress.json; sleep 600`,
      {
        stop_grace_seconds: 2,
      },
    )
    await eventually(async () => expect((await jobOf(uuid)).progress).toMatchObject({ percent: 1 }), patient)
    expect(await cancel(uuid)).toMatchObject({ progress: { percent: 1 } })
  })

  it('publishes the files that are there', async () => {
    const uuid = await deploy(`echo part >"$RESULT_DIRECTORY/part"; touch publish; sleep 600`, {
      stop_grace_seconds: 2,
    })
    await eventually(async () => expect(await jobOf(uuid)).toHaveProperty('published_at'), patient)
    const path = `/job/${uuid}/result?file=part&so_far=true`
    expect((await call(api.url, { path })).body.toString()).toBe('part\n')
    await cancel(uuid)
  })
})

describe('heartbeat_seconds', { timeout: 120_000 }, () => {
  it('ends a job whose worker is silent, and keeps what it left', async () => {
    const uuid = await deploy('echo part >"$RESULT_DIRECTORY/part"; sleep 600', {
      ...{ heartbeat_seconds: 5, stop_grace_seconds: 2 },
    })
    const job = (await untilFinal(api.url, uuid)) as unknown as Job
    expect(job).toMatchObject({
      state: 'failed',
      reason: 'HeartbeatMissed',
      result: { state: 'partial', count: 1 },
    })
    expect((job as unknown as Job).message).toBe(
      'the worker wrote no file in JOBFERRY_DIRECTORY for 5 s (`heartbeat_seconds`)',
    )
    expect(Date.parse(String(job.finished_at)) - Date.parse(String(job.started_at))).toBeGreaterThanOrEqual(
      5000,
    )
  })

  it('lets a worker go on that touches a file in time, in each of its steps', async () => {
    const beat = 'for n in 1 2 3 4; do touch "$JOBFERRY_DIRECTORY/progress.json"; sleep 2; done'
    const steps = ['one', 'two'].map((name) => ({ name, command: ['sh', '-c', beat] }))
    const answer = await call(api.url, deployJson({ steps, heartbeat_seconds: 5 }))
    const { job_uuid: uuid } = answer.json() as { job_uuid: string }
    expect(await untilFinal(api.url, uuid)).toMatchObject({ state: 'succeeded' })
  })

  it('names the step that is silent', async () => {
    const steps = [
      { name: 'one', command: ['true'] },
      { name: 'two', command: ['sleep', '600'] },
    ]
    const answer = await call(api.url, deployJson({ steps, heartbeat_seconds: 5, stop_grace_seconds: 2 }))
    const { job_uuid: uuid } = answer.json() as { job_uuid: string }
    const job = await untilFinal(api.url, uuid)
    expect(job).toMatchObject({ state: 'failed', reason: 'HeartbeatMissed' })
    expect((job as unknown as Job).message).toContain('the step `two`')
  })

  it.each([
    [{ command: ['true'], env: { JOBFERRY_DIRECTORY: '/x' } }, 'env.JOBFERRY_DIRECTORY'],
    [
      { steps: [{ name: 'a', command: ['true'], env: { JOBFERRY_DIRECTORY: '/x' } }] },
      'steps[0].env.JOBFERRY_DIRECTORY',
    ],
  ])('is refused where the worker would not find the folder: %j', async (request, field) => {
    const answer = await call(api.url, deployJson({ ...request, heartbeat_seconds: 60 }))
    expect(answer.status).toBe(400)
    expect(answer.json()).toMatchObject({ errors: [{ field }] })
  })
})
