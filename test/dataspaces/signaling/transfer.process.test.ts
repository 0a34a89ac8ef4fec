import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { startApiProcess } from '../../support/api/api-process.ts'
import { type DataPlane, startDataPlane } from '../../support/connector/data-plane.ts'
import {
  addressIn,
  apiToken,
  download,
  startMessage,
  stateOf,
  tell,
  wholeTransfer,
} from '../../support/connector/dataflow-run.ts'
import { type Dataspace, startDataspace } from '../../support/connector/dataspace.ts'
import { eventually } from '../../support/time/eventually.ts'
import { tellAndGo } from './tell-and-go.ts'

let space: Dataspace
let plane: DataPlane
let url: string

let folder: string
/** Ends the job `waiting` once it is there. */
let go: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobferry-transfer-'))
  go = join(folder, 'go')
  space = await startDataspace()
  plane = await startDataPlane(space, {
    report: 'sleep 1; printf "made for a transfer" > $RESULT_DIRECTORY/report.txt',
    quick: 'printf quick > $RESULT_DIRECTORY/report.txt',
    slow: 'sleep 300',
    waiting: `until [ -e ${go} ]; do sleep 0.1; done; printf whole > $RESULT_DIRECTORY/report.txt`,
    failing: 'exit 3',
    nothing: 'true',
  })
  url = plane.api.url
})

afterAll(async () => {
  await plane.remove()
  await space[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

it('runs a transfer from its start through job, download and renewal to its completion', async () => {
  const made = { process: randomUUID(), dataset: 'report', expected: 'made for a transfer', seconds: 20 }
  await wholeTransfer(url, space, made)
})

it('answers before the notice of a started flow, even for a quick job', async () => {
  const flows = Array.from({ length: 5 }, () => randomUUID())
  const answers = await Promise.all(
    flows.map(async (id) => {
      const { status } = await tell(url, 'start', startMessage(space, id, 'quick'))
      return { id, status, at: Date.now() }
    }),
  )
  for (const { id, status, at } of answers) {
    expect(status).toBe(202)
    expect((await space.until(`/transfers/${id}/dataflow/started`)).at).toBeGreaterThanOrEqual(at)
  }
})

it('answers at once with the address of existing results', async () => {
  const source = randomUUID()
  await tell(url, 'start', startMessage(space, source, 'quick'))
  const { body } = await space.until(`/transfers/${source}/dataflow/started`)
  const uuid = /job\/([0-9a-f-]{36})/.exec(String(addressIn(body).endpoint))?.[1] ?? ''
  const id = randomUUID()
  const { callbackAddress: _, ...message } = startMessage(space, id, uuid)
  const began = await tell(url, 'start', message)
  expect(began).toMatchObject({ status: 200, body: { state: 'STARTED', dataFlowId: id } })
  expect(await download(addressIn(began.body))).toEqual({ status: 200, text: 'quick' })

  const withoutCallback = { ...message, processId: randomUUID(), datasetId: 'quick' }
  expect(await tell(url, 'start', withoutCallback)).toMatchObject({
    status: 400,
    body: { errors: [{ field: 'callbackAddress' }] },
  })
  const missing = await tell(url, 'start', startMessage(space, randomUUID(), randomUUID()))
  expect(missing).toMatchObject({ status: 400, body: { errors: [{ field: 'datasetId' }] } })
})

it.each([
  ['failing', 'failed: Error: '],
  ['nothing', 'left no such data: '],
])(
  'notifies the control plane of the failure of %s, and lets it terminate the flow',
  async (dataset, why) => {
    const id = randomUUID()
    expect((await tell(url, 'start', startMessage(space, id, dataset))).status).toBe(202)
    const { body } = await space.until(`/transfers/${id}/dataflow/errored`)
    expect(body).toMatchObject({
      dataFlowId: id,
      state: 'STARTING',
      error: expect.stringContaining(why),
    })
    expect(await stateOf(url, id)).toBe('STARTING')
    expect(await tell(url, `${id}/terminate`)).toMatchObject({ status: 200, body: { state: 'TERMINATED' } })
  },
)

it('notifies a control plane that disconnected before the answer', async () => {
  const id = randomUUID()
  await tellAndGo(url, startMessage(space, id, 'quick'))
  const { body } = await space.until(`/transfers/${id}/dataflow/started`)
  expect(await download(addressIn(body))).toEqual({ status: 200, text: 'quick' })
})

it('repeats the answer to a start if the first one was lost, and refuses any other second start', async () => {
  const id = randomUUID()
  const message = startMessage(space, id, 'quick')
  await tellAndGo(url, message)
  await space.until(`/transfers/${id}/dataflow/started`)
  const other = { ...message, messageId: randomUUID() }
  expect(await tell(url, 'start', other)).toMatchObject({ status: 409 })
  const again = await tell(url, 'start', message)
  expect(again).toMatchObject({ status: 200, body: { state: 'STARTED' } })
  expect(await download(addressIn(again.body))).toEqual({ status: 200, text: 'quick' })
  expect(await tell(url, 'start', message)).toMatchObject({ status: 409 })
})

it('cancels the job of a terminated flow, and sends no more notices of the flow', async () => {
  const id = randomUUID()
  await tell(url, 'start', startMessage(space, id, 'slow'))
  const reason = { messageId: 'm', reason: 'the agreement ended' }
  expect(await tell(url, `${id}/terminate`, reason)).toMatchObject({ status: 200 })
  await untilSlow('canceled')
  expect(await tell(url, `${id}/completed`, {})).toMatchObject({ status: 409 })
  expect(await tell(url, 'start', startMessage(space, id, 'slow'))).toMatchObject({ status: 409 })
  expect(space.notices.filter(({ path }) => path.includes(id))).toEqual([])
})

it('notifies the control plane of a deleted job', async () => {
  const id = randomUUID()
  await tell(url, 'start', startMessage(space, id, 'slow'))
  const job = await untilSlow('running')
  const headers = { authorization: `Bearer ${apiToken}` }
  expect((await fetch(`${url}/job/${job.job_uuid}`, { method: 'DELETE', headers })).status).toBe(204)
  const { body } = await space.until(`/transfers/${id}/dataflow/errored`)
  expect(body.error).toContain('canceled: Canceled: ')
})

it('prepares data by a job, and starts a prepared flow at once', async () => {
  const id = randomUUID()
  const message = startMessage(space, id, 'quick')
  expect(await tell(url, 'prepare', message)).toMatchObject({ status: 202, body: { state: 'PREPARING' } })
  const { body } = await space.until(`/transfers/${id}/dataflow/prepared`)
  expect(body).toMatchObject({ state: 'PREPARED', dataFlowId: id })
  expect(body.dataAddress).toBeUndefined()
  const started = await tell(url, 'start', message)
  expect(started).toMatchObject({ status: 200, body: { state: 'STARTED' } })
  expect(await download(addressIn(started.body))).toEqual({ status: 200, text: 'quick' })
})

it('repeats the answer to the start of a prepared flow if the first one was lost', async () => {
  const id = randomUUID()
  await tell(url, 'prepare', startMessage(space, id, 'quick'))
  await space.until(`/transfers/${id}/dataflow/prepared`)
  const message = { ...startMessage(space, id, 'quick'), messageId: randomUUID() }
  await tellAndGo(url, message)
  await eventually(async () => expect(await stateOf(url, id)).toBe('STARTED'))
  // The loss of the answer is recorded in the background.
  const again = await eventually(async () => {
    const answer = await tell(url, 'start', message)
    expect(answer).toMatchObject({ status: 200, body: { state: 'STARTED' } })
    return answer
  })
  expect(await download(addressIn(again.body))).toEqual({ status: 200, text: 'quick' })
  expect(await tell(url, 'start', message)).toMatchObject({ status: 409 })
})

it('continues its flows after a kill during their jobs, and sends the notices that failed before', async () => {
  space.answer(503)
  const [job, answer] = [randomUUID(), randomUUID()]
  await tell(url, 'start', startMessage(space, answer, 'quick'))
  await space.until(`/transfers/${answer}/dataflow/started`)
  await tell(url, 'start', startMessage(space, job, 'waiting'))
  await untilJob('waiting', 'running')
  await plane.api.kill()
  space.notices.length = 0
  space.answer(200)
  plane.api = await startApiProcess(plane.settings)
  expect(await stateOf(url, answer)).toBe('STARTED')
  const { body } = await space.until(`/transfers/${answer}/dataflow/started`)
  expect(await download(addressIn(body))).toEqual({ status: 200, text: 'quick' })
  // The job of the other flow goes on without the API, and its end is notified by the next one.
  expect(await stateOf(url, job)).toBe('STARTING')
  await writeFile(go, '')
  const { body: last } = await space.until(`/transfers/${job}/dataflow/started`)
  expect(await download(addressIn(last))).toEqual({ status: 200, text: 'whole' })
  expect(space.notices.filter(({ path }) => path === `/transfers/${job}/dataflow/errored`)).toEqual([])
})

function untilSlow(state: string): Promise<Job> {
  return untilJob('slow', state)
}

/** The newest job of that name, once it is in the given state. */
async function untilJob(name: string, state: string): Promise<Job> {
  return await eventually(async () => {
    const response = await fetch(`${url}/job`, { headers: { authorization: `Bearer ${apiToken}` } })
    const { jobs: all } = (await response.json()) as { jobs: Job[] }
    const found = all.find(({ job }) => job === name)
    if (found?.state !== state) throw new Error(`not ${state} but ${found?.state}`)
    return found
  })
}
