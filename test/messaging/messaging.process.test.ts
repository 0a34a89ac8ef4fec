import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type ApiProcess, startApiProcess } from '../support/api/api-process.ts'
import { getJson } from '../support/api/http.ts'
import { type Gateway, startGateway } from '../support/broker/gateway.ts'
import { hasRabbitmq, type Rabbitmq, startRabbitmq } from '../support/broker/rabbitmq.ts'
import { endJobs } from '../support/end-jobs.ts'
import { eventually } from '../support/time/eventually.ts'

describe.runIf(hasRabbitmq)('messages of a queue', () => {
  let broker: Rabbitmq
  let gateway: Gateway
  let api: ApiProcess
  let folder: string
  let environment: Record<string, string>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'jobferry-messages-'))
    broker = await startRabbitmq()
    environment = {
      DATA_DIRECTORY: folder,
      LOCAL_ALLOW_COMMANDS: '1',
      ALLOW_UNAUTHENTICATED: '1',
      AMQP_URL: broker.tlsUrl,
      AMQP_CA_FILE: broker.ca.file,
      AMQP_USERNAME: 'guest',
      AMQP_PASSWORD: 'guest',
    }
    api = await startApiProcess(environment)
    await untilBrokerIs('connected')
    gateway = await startGateway(broker.url)
  })

  afterAll(async () => {
    await api?.stop()
    await gateway?.[Symbol.asyncDispose]()
    await broker?.[Symbol.asyncDispose]()
    await endJobs(folder)
    await rm(folder, { recursive: true, force: true })
  })

  async function untilBrokerIs(state: string) {
    await eventually(async () => {
      expect(await getJson(`${api.url}/health`)).toMatchObject({ broker: { state } })
    })
  }

  it('start jobs, whose events come in order up to the end with the end of the log', async () => {
    const steps = [
      { name: 'first', command: ['sh', '-c', 'echo one'] },
      { name: 'second', command: ['sh', '-c', 'echo $VERSION; echo x > $RESULT_DIRECTORY/x'] },
    ]
    await gateway.send({ id: 'run-1', data: { steps, env: { VERSION: 1.5 } } })
    const end = await gateway.until('run-1', 'dev.jobferry.job.succeeded')
    const accepted = await gateway.until('run-1', 'dev.jobferry.message.accepted')

    expect(accepted.data).toMatchObject({ job_uuid: end.subject })
    expect(end.data).toMatchObject({
      job: { job_uuid: end.subject, made_by: 'amqp', result: { state: 'complete', count: 1 } },
      log: { text: '1.5\n', cut: false },
    })
    const ofJob = gateway.of('run-1').filter(({ type }) => type.startsWith('dev.jobferry.job.'))
    expect(ofJob.at(-1)?.type).toBe('dev.jobferry.job.succeeded')
    const told = ofJob.filter(({ type }) => type === 'dev.jobferry.job.step')
    expect(told.map(({ data }) => data.step)).toMatchObject([
      { name: 'first', state: 'running' },
      { name: 'first', state: 'succeeded', exit_code: 0 },
      { name: 'second', state: 'running' },
      { name: 'second', state: 'succeeded', exit_code: 0 },
    ])
    await eventually(async () => {
      const { callbacks } = await getJson<{ callbacks: unknown[] }>(`${api.url}/job/${end.subject}/callbacks`)
      expect(callbacks).toContainEqual(expect.objectContaining({ id: end.id, state: 'delivered' }))
    })
  })

  it('that are wrong go to the dead letters with the problem, and hold up no others', async () => {
    await gateway.sendRaw('{"specversion": "1.0"')
    await gateway.send({ id: 'wrong-1', data: { comand: ['true'] } })
    const refused = await gateway.until('wrong-1', 'dev.jobferry.message.refused')
    expect(refused.data).toMatchObject({ problem: { status: 400, errors: [{ field: 'comand' }] } })
    const dead = await eventually(async () => {
      expect(await gateway.waiting('jobferry.dead')).toBe(2)
      return [await gateway.take('jobferry.dead'), await gateway.take('jobferry.dead')]
    })
    const fields = dead.map(
      (message) => JSON.parse(String(message?.properties.headers?.problem)).errors[0].field,
    )
    expect(fields.sort()).toEqual(['body', 'comand'])
    expect(dead.map((message) => message?.content.toString())).toContain('{"specversion": "1.0"')
  })

  it('whose headers leave no room for the problem go to the dead letters without them', async () => {
    // 9 bytes each: the sender can just write them in 64 KiB.
    const headers = { figures: Array.from({ length: 7_270 }, () => 1.5) }
    await gateway.sendRaw('{"id": "large-1"}', undefined, headers)
    await gateway.until('large-1', 'dev.jobferry.message.refused')
    const dead = await gateway.take('jobferry.dead')
    expect(dead?.content.toString()).toBe('{"id": "large-1"}')
    expect(dead?.properties.headers).toEqual({
      problem: '{"title":"The request is not valid","status":400}',
    })
  })

  it('cancel, rerun and delete the job that another message made', async () => {
    await gateway.send({ id: 'long-1', data: { command: ['sh', '-c', 'sleep 300'] } })
    await gateway.send({ id: 'cancel-1', type: 'dev.jobferry.cancel', data: { message_id: 'long-1' } })
    const canceled = await gateway.until('long-1', 'dev.jobferry.job.canceled')
    const overrides = { command: ['sh', '-c', 'echo again'] }
    await gateway.send({
      id: 'again-1',
      type: 'dev.jobferry.rerun',
      data: { job_uuid: canceled.subject, overrides },
    })
    const again = await gateway.until('again-1', 'dev.jobferry.job.succeeded')
    expect(again.data).toMatchObject({ job: { rerun_of: canceled.subject }, log: { text: 'again\n' } })
    await gateway.send({ id: 'delete-1', type: 'dev.jobferry.delete', data: { message_id: 'again-1' } })
    await gateway.until('delete-1', 'dev.jobferry.message.accepted')
    await eventually(async () => {
      const { status } = await fetch(`${api.url}/job/${again.subject}`)
      expect(status).toBe(404)
    })
  })

  it('that the quota refuses come later, while others pass', async () => {
    const own = await mkdtemp(join(tmpdir(), 'jobferry-quota-'))
    await writeFile(join(own, 'policy.yaml'), 'live_jobs_per_token: 1\n')
    const limited = await startApiProcess({
      ...environment,
      DATA_DIRECTORY: join(own, 'data'),
      POLICY_FILE: join(own, 'policy.yaml'),
      AMQP_QUEUE: 'limited',
      AMQP_EXCHANGE: 'limited.events',
    })
    onTestFinished(async () => {
      await limited.stop()
      await endJobs(join(own, 'data'))
      await rm(own, { recursive: true, force: true })
    })
    await using other = await startGateway(broker.url, { queue: 'limited', exchange: 'limited.events' })
    await other.send({ id: 'q-1', data: { command: ['sh', '-c', 'sleep 300'] } })
    await other.until('q-1', 'dev.jobferry.message.accepted')
    await other.send({ id: 'q-2', data: { command: ['true'] } })
    const deferred = await other.until('q-2', 'dev.jobferry.message.deferred')
    expect(deferred.data).toMatchObject({ problem: { status: 429 }, again_in_seconds: 2 })
    await other.send({ id: 'q-3', type: 'dev.jobferry.cancel', data: { message_id: 'q-1' } })
    await other.until('q-1', 'dev.jobferry.job.canceled')
    await other.until('q-2', 'dev.jobferry.job.succeeded')
  })

  it('outlive the broker and the API: an end that was not told is told once', async () => {
    const marker = join(folder, 'go-on')
    const wait = `until [ -e ${marker} ]; do sleep 0.1; done`
    await gateway.send({ id: 'held-1', data: { command: ['sh', '-c', wait] } })
    await gateway.until('held-1', 'dev.jobferry.job.running')
    await broker.kill()
    await untilBrokerIs('away')
    await writeFile(marker, '')
    const uuid = gateway.of('held-1').find(({ subject }) => subject)?.subject
    await getJson(`${api.url}/job/${uuid}?wait=30`)
    await api.kill()
    api = await startApiProcess(environment)
    await broker.start()
    await gateway.connect()
    await gateway.until('held-1', 'dev.jobferry.job.succeeded')
    expect(gateway.of('held-1').filter(({ type }) => type.endsWith('.succeeded'))).toHaveLength(1)
  })
})
