import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { startApiProcess } from '../../support/api-process.ts'
import { type DataPlane, startDataPlane } from '../../support/data-plane.ts'
import {
  addressIn,
  apiToken,
  download,
  provider,
  renewToken,
  startMessage,
  stateOf,
  tell,
  wholeTransfer,
} from '../../support/dataflow-run.ts'
import { type Dataspace, startDataspace } from '../../support/dataspace.ts'
import { eventually } from '../../support/eventually.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let space: Dataspace
let plane: DataPlane
let url: string

beforeAll(async () => {
  space = await startDataspace()
  plane = await startDataPlane(space, {
    report: 'sleep 1; printf "made for a transfer" > $RESULT_DIRECTORY/report.txt',
    quick: 'printf quick > $RESULT_DIRECTORY/report.txt',
    slow: 'sleep 300',
    failing: 'exit 3',
    nothing: 'true',
  })
  url = plane.api.url
})

afterAll(async () => {
  await plane.remove()
  await space[Symbol.asyncDispose]()
})

it('takes a transfer from its start over its job, the download and a renewal to its completion', async () => {
  const made = { process: randomUUID(), dataset: 'report', expected: 'made for a transfer', seconds: 20 }
  await wholeTransfer(url, space, made)
})

it('answers before it tells that a flow has started, however quick its job is', async () => {
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

it('gives the address of results that exist at once', async () => {
  const source = randomUUID()
  await tell(url, 'start', startMessage(space, source, 'quick'))
  const { body } = await space.until(`/transfers/${source}/dataflow/started`)
  const uuid = /job\/([0-9a-f-]{36})/.exec(String(addressIn(body).endpoint))?.[1] ?? ''
  const id = randomUUID()
  const { callbackAddress: _, ...message } = startMessage(space, id, uuid)
  const began = await tell(url, 'start', message)
  expect(began).toMatchObject({ status: 200, body: { state: 'STARTED', dataFlowId: id } })
  expect(await download(addressIn(began.body))).toEqual({ status: 200, text: 'quick' })

  const nobodyToTell = { ...message, processId: randomUUID(), datasetId: 'quick' }
  expect(await tell(url, 'start', nobodyToTell)).toMatchObject({
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
  'tells the control plane why there will be no data of %s, and leaves the end to it',
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

it('tells a control plane that did not wait for the answer', async () => {
  const id = randomUUID()
  await tellAndGo(startMessage(space, id, 'quick'))
  const { body } = await space.until(`/transfers/${id}/dataflow/started`)
  expect(await download(addressIn(body))).toEqual({ status: 200, text: 'quick' })
})

it('answers a start again whose answer nobody got, and refuses any other second one', async () => {
  const id = randomUUID()
  const message = startMessage(space, id, 'quick')
  await tellAndGo(message)
  await space.until(`/transfers/${id}/dataflow/started`)
  const other = { ...message, messageId: randomUUID() }
  expect(await tell(url, 'start', other)).toMatchObject({ status: 409 })
  const again = await tell(url, 'start', message)
  expect(again).toMatchObject({ status: 200, body: { state: 'STARTED' } })
  expect(await download(addressIn(again.body))).toEqual({ status: 200, text: 'quick' })
  expect(await tell(url, 'start', message)).toMatchObject({ status: 409 })
})

it('stops the job of a flow that is terminated, and says nothing more of it', async () => {
  const id = randomUUID()
  await tell(url, 'start', startMessage(space, id, 'slow'))
  const reason = { messageId: 'm', reason: 'the agreement ended' }
  expect(await tell(url, `${id}/terminate`, reason)).toMatchObject({ status: 200 })
  await untilSlow('canceled')
  expect(await tell(url, `${id}/completed`, {})).toMatchObject({ status: 409 })
  expect(await tell(url, 'start', startMessage(space, id, 'slow'))).toMatchObject({ status: 409 })
  expect(space.notices.filter(({ path }) => path.includes(id))).toEqual([])
})

it('tells the control plane of a job that somebody deletes', async () => {
  const id = randomUUID()
  await tell(url, 'start', startMessage(space, id, 'slow'))
  const job = await untilSlow('running')
  const headers = { authorization: `Bearer ${apiToken}` }
  expect((await fetch(`${url}/job/${job.job_uuid}`, { method: 'DELETE', headers })).status).toBe(204)
  const { body } = await space.until(`/transfers/${id}/dataflow/errored`)
  expect(body.error).toContain('canceled: Canceled: ')
})

it('prepares data by their job, and starts at once what is prepared', async () => {
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

it('answers the start of what is prepared again, where nobody got its answer', async () => {
  const id = randomUUID()
  await tell(url, 'prepare', startMessage(space, id, 'quick'))
  await space.until(`/transfers/${id}/dataflow/prepared`)
  const message = { ...startMessage(space, id, 'quick'), messageId: randomUUID() }
  await tellAndGo(message)
  await eventually(async () => expect(await stateOf(url, id)).toBe('STARTED'))
  // That nobody got it is written down in the background.
  const again = await eventually(async () => {
    const answer = await tell(url, 'start', message)
    expect(answer).toMatchObject({ status: 200, body: { state: 'STARTED' } })
    return answer
  })
  expect(await download(addressIn(again.body))).toEqual({ status: 200, text: 'quick' })
  expect(await tell(url, 'start', message)).toMatchObject({ status: 409 })
})

it('goes on with its flows after it was killed while their jobs ran, and tells what it could not tell before', async () => {
  space.answer(503)
  const [job, answer] = [randomUUID(), randomUUID()]
  await tell(url, 'start', startMessage(space, answer, 'quick'))
  await space.until(`/transfers/${answer}/dataflow/started`)
  await tell(url, 'start', startMessage(space, job, 'slow'))
  await untilSlow('running')
  await plane.api.kill()
  space.notices.length = 0
  space.answer(200)
  plane.api = await startApiProcess(plane.settings)
  expect(await stateOf(url, answer)).toBe('STARTED')
  const { body } = await space.until(`/transfers/${answer}/dataflow/started`)
  expect(await download(addressIn(body))).toEqual({ status: 200, text: 'quick' })
  // Embedded, a job ends with its API: what is told then is why.
  const { body: failed } = await space.until(`/transfers/${job}/dataflow/errored`)
  expect(failed.error).toContain('Interrupted')
})

describe('a renewal', () => {
  let address: Record<string, string>
  let process: string

  beforeAll(async () => {
    process = randomUUID()
    await tell(url, 'start', startMessage(space, process, 'quick'))
    address = addressIn((await space.until(`/transfers/${process}/dataflow/started`)).body)
  })

  const claims = () => ({ iss: space.did, sub: space.did, aud: provider, token: address.authorization })
  const refused = (status: number, error: string) => ({ status, body: { error } })

  it.each([
    ['for another audience', { aud: 'did:web:somebody.else' }, refused(401, 'invalid_client')],
    ['of another subject', { sub: 'did:web:somebody.else' }, refused(401, 'invalid_client')],
    ['of another participant', { iss: 'did:web:somebody.else' }, refused(400, 'invalid_grant')],
    ['without the access token', { token: undefined }, refused(401, 'invalid_client')],
    ['with a foreign access token', { token: 'jfg_x.y' }, refused(400, 'invalid_grant')],
  ])('%s is refused', async (_, changed, expected) => {
    expect(await renewToken(address, await space.sign({ ...claims(), ...changed }))).toMatchObject(expected)
  })

  it('with an unknown refresh token, or none that is signed, is refused', async () => {
    const jwt = await space.sign(claims())
    const foreign = { ...address, refreshToken: `${address.refreshToken}x` }
    expect(await renewToken(foreign, jwt)).toMatchObject(refused(400, 'invalid_grant'))
    expect(await renewToken(address, `${jwt.slice(0, -8)}AAAAAAAA`)).toMatchObject(
      refused(401, 'invalid_client'),
    )
    expect(await renewToken(address, 'no-jwt')).toMatchObject(refused(401, 'invalid_client'))
  })

  it('by a key that was rotated in is allowed: the document is read again', async () => {
    expect(await renewToken(address, await space.sign(claims()))).toMatchObject({ status: 200 })
    const reads = space.documentReads()
    await space.rotate()
    expect(await renewToken(address, await space.sign(claims()))).toMatchObject({ status: 200 })
    expect(await renewToken(address, await space.sign(claims()))).toMatchObject({ status: 200 })
    expect(space.documentReads()).toBe(reads + 1)
    const other = await space.sign(claims(), { kid: `${space.did}#another` })
    expect(await renewToken(address, other)).toMatchObject(refused(401, 'invalid_client'))
  })

  it('of a flow that is suspended or over is refused', async () => {
    await tell(url, `${process}/suspend`)
    expect(await renewToken(address, await space.sign(claims()))).toMatchObject(refused(400, 'invalid_grant'))
    await tell(url, `${process}/terminate`)
    expect(await renewToken(address, await space.sign(claims()))).toMatchObject(refused(400, 'invalid_grant'))
  })
})

/** Sends a start whole and closes the connection in the same moment. */
async function tellAndGo(message: object): Promise<void> {
  const body = JSON.stringify(message)
  const head = [
    'POST /dataflows/start HTTP/1.1',
    'host: 127.0.0.1',
    `authorization: Bearer ${apiToken}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  await once(socket.resume(), 'close')
}

/** The newest of that job. */
async function untilSlow(state: string): Promise<Job> {
  return await eventually(async () => {
    const response = await fetch(`${url}/job`, { headers: { authorization: `Bearer ${apiToken}` } })
    const { jobs: all } = (await response.json()) as { jobs: Job[] }
    const found = all.find(({ job }) => job === 'slow')
    if (found?.state !== state) throw new Error(`not ${state} but ${found?.state}`)
    return found
  })
}
