import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { endHeaders } from '../../../src/job/end-call.ts'
import type { Job } from '../../../src/job/job.ts'
import { curl } from '../../support/api/curl.ts'
import { getJson, waitForFinal } from '../../support/api/http.ts'
import { type OnCluster, startOnCluster, untilState } from '../../support/api/on-cluster.ts'
import { kubectl, kubectlJson } from '../../support/cluster/cluster.ts'
import { given } from '../../support/cluster/test-run.ts'
import type { StolenRequest } from '../../support/files/port-thief.ts'
import { containerProcesses } from '../../support/node/container-processes.ts'
import { eventually } from '../../support/time/eventually.ts'

/*
 * A worker, root in its container, exhausts the uploader, takes its port, and redirects what comes.
 */

let api: OnCluster
let report: { url: string; stolen: StolenRequest[] }
let loopback: { url: string; calls: string[] }
beforeAll(async () => {
  api = await startOnCluster({ name: 'port' })
  report = await startReport()
  loopback = await startLoopback()
})
afterAll(() => api?.close())

it('12,000 half-open requests neither end the uploader nor get its port', async () => {
  const uuid = await deployThief()
  await untilLogged(uuid, 'flooded')
  expect((await curl(`${api.url}/job/${uuid}/log`)).text()).toBe('flooded\n')
  // The kubelet's call comes through though the worker keeps its connections.
  await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })
  expect(await waitForFinal(api.url, uuid, 90)).toMatchObject({ state: 'canceled' })
  const log = await curl(`${api.url}/job/${uuid}/log`)
  expect(log.text()).toBe('flooded\n')
  const uploaderLog = (await curl(`${api.url}/job/${uuid}/log?container=uploader`)).text()
  expect(uploaderLog).not.toMatch(/starts again|could not be opened/)
  expect(report.stolen).toEqual([])
})

it.each(['cancel', 'DELETE'] as const)(
  'a worker that holds the port of a killed uploader gets nothing usable by %s, and the job ends',
  async (how) => {
    report.stolen.length = 0
    const uuid = await deployThief()
    await untilLogged(uuid, 'flooded')
    await killUntilBound(uuid)
    const secrets = await secretsOf(uuid)
    const token = await preStopTokenOf(uuid)

    if (how === 'cancel') {
      await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })
      expect(await waitForFinal(api.url, uuid, 90)).toMatchObject({ state: 'canceled' })
    } else {
      expect((await fetch(`${api.url}/job/${uuid}`, { method: 'DELETE' })).status).toBe(204)
      await eventually(
        async () => {
          const selector = `jobferry.dev/job=${uuid}`
          expect(await kubectl('-n', api.namespace, 'get', 'pods,jobs', '-l', selector, '-o', 'name')).toBe(
            '',
          )
        },
        { within: 90_000, every: 500 },
      )
      // The kubelet's call, and the API's.
      expect(report.stolen.map(({ url }) => url)).toEqual(expect.arrayContaining(['/end']))
    }

    for (const one of report.stolen) expectUseless(one, secrets, token)
    expect(loopback.calls).toEqual([])
  },
)

/** No request to the thief has the token in another call, the key or a credential. */
function expectUseless(
  { method, url, headers, body }: StolenRequest,
  secrets: string[],
  token: string,
): void {
  if (url === `/stop/${token}`) expect(method).toBe('GET')
  else if (url === '/end') {
    expect(Object.keys(headers)).toEqual(expect.arrayContaining(Object.values(endHeaders).slice(0, 2)))
    expect(JSON.stringify([headers, body])).not.toContain(token)
  } else expect([method, url]).toEqual(['GET', '/ready'])
  for (const secret of secrets) expect(JSON.stringify([url, headers, body])).not.toContain(secret)
  expect(Object.keys(headers)).not.toContain('authorization')
}

async function deployThief(): Promise<string> {
  const arguments_ = `47100 12000 ${report.url} ${loopback.url}`
  const script = `ulimit -n "$(ulimit -Hn)" && exec node "$INPUT_DIRECTORY/port-thief.ts" ${arguments_}`
  const request = {
    image: given('UPLOADER_IMAGE'),
    image_pull_policy: 'IfNotPresent',
    command: ['sh', '-c', script],
    run_as_user: 0,
    // The thief ends by itself before that: with its kill the uploader ends, too.
    stop_grace_seconds: 40,
  }
  const deployed = await curl(
    `${api.url}/job/deploy`,
    ...['-F', `request=${JSON.stringify(request)}`],
    ...['-F', `input=@${join(import.meta.dirname, '../../support/files/port-thief.ts')}`],
  )
  expect(deployed.head, deployed.text()).toMatch(/^HTTP\/1.1 201 /m)
  const { job_uuid: uuid } = deployed.json<{ job_uuid: string }>()
  await untilState(api.url, uuid, 'running')
  return uuid
}

async function untilLogged(uuid: string, line: string): Promise<void> {
  await eventually(
    async () => {
      const log = (await curl(`${api.url}/job/${uuid}/log`)).text()
      expect(log, JSON.stringify(await getJson<Job>(`${api.url}/job/${uuid}`))).toContain(line)
    },
    { within: 60_000, every: 500 },
  )
}

/** Kills the uploader's program until the thief has the port before another program is up. */
async function killUntilBound(uuid: string): Promise<void> {
  await eventually(
    async () => {
      const processes = await containerProcesses(api.namespace, uuid, 'uploader')
      const program = processes.find(({ command }) => command.startsWith('node '))
      if (program !== undefined) process.kill(program.pid, 'SIGKILL')
      await untilBound(uuid)
    },
    { within: 60_000, every: 500 },
  )
}

async function untilBound(uuid: string): Promise<void> {
  await eventually(async () => expect((await curl(`${api.url}/job/${uuid}/log`)).text()).toContain('bound'), {
    atMost: 3000,
    every: 200,
  })
}

async function secretsOf(uuid: string): Promise<string[]> {
  const secret = await kubectlJson<{ data: Record<string, string> }>(
    ...['-n', api.namespace, 'get', 'secret', `job-${uuid}`],
  )
  return Object.values(secret.data).map((value) => Buffer.from(value, 'base64').toString('utf8'))
}

async function preStopTokenOf(uuid: string): Promise<string> {
  const { items } = await kubectlJson<{ items: Pod[] }>(
    ...['-n', api.namespace, 'get', 'pods', '-l', `jobferry.dev/job=${uuid}`],
  )
  const path = items[0]?.spec.containers[0]?.lifecycle.preStop.httpGet.path ?? ''
  return path.replace('/stop/', '')
}

interface Pod {
  spec: { containers: { lifecycle: { preStop: { httpGet: { path: string } } } }[] }
}

/** Where the thief's pod sends what it took. */
async function startReport() {
  const stolen: StolenRequest[] = []
  const url = await startServer(given('NODE_ADDRESS'), (_, body) => stolen.push(JSON.parse(body)))
  return { url, stolen }
}

/** What only this machine, and so the API's process, can call. */
async function startLoopback() {
  const calls: string[] = []
  const url = await startServer('127.0.0.1', (path) => calls.push(path))
  return { url, calls }
}

async function startServer(host: string, take: (path: string, body: string) => void): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    take(request.url ?? '', Buffer.concat(chunks).toString('utf8'))
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  closing.push(() => server.close())
  return `http://${host}:${(server.address() as AddressInfo).port}/`
}

const closing: (() => void)[] = []
afterAll(() => {
  for (const close of closing) close()
})
