import { createServer } from 'node:http'
import { expect, it } from 'vitest'
import { notifyUploaders } from '../../../../src/backends/kubernetes/operations/notify-uploaders.ts'
import { endHeaders, endRefusal, proofOfEnd } from '../../../../src/job/end-call.ts'
import type { Stop } from '../../../../src/job/state/observation.ts'
import { listenForTest } from '../../../support/listen.ts'
import { answeringApi } from '../answering-api.ts'
import { uuid } from '../objects.ts'

const stop: Stop = { outcome: 'deleted', at: 1, cause: { reason: 'JobDeleted', message: 'deleted' } }
const key = 'f'.repeat(64)
const secret = { metadata: { name: `job-${uuid}` }, data: { 'end-key': btoa(key) } }
const former = [{ name: 'STOP_TOKEN', value: 'the-token' }]
const present = [
  { name: 'PRE_STOP_TOKEN', value: 'the-token' },
  { name: 'END_KEY', valueFrom: { secretKeyRef: { name: `job-${uuid}`, key: 'end-key' } } },
]

interface Received {
  method: string | undefined
  url: string | undefined
  headers: NodeJS.Dict<string | string[]>
  body: string
}

/** An uploader's pod with these variables, and a program at its port. */
async function podWith(env: object[], answer: (received: Received) => object) {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { method, url, headers } = request
    const one = { method, url, headers, body: Buffer.concat(chunks).toString() }
    received.push(one)
    const { status = 200, ...fields } = answer(one) as { status?: number }
    response.writeHead(status, fields as Record<string, string>).end('noted\n')
  })
  const url = await listenForTest(server)
  const { hostname, port } = new URL(url)
  const uploader = { name: 'uploader', env: [{ name: 'UPLOADER_PORT', value: port }, ...env] }
  const pod = {
    metadata: { name: 'pod', uid: 'pod-1' },
    spec: { initContainers: [uploader], containers: [] },
    status: { podIP: hostname, initContainerStatuses: [{ name: 'uploader', state: { running: {} } }] },
  }
  return { pod, received, url }
}

function apiWith(pods: object[], secrets: object[] = [secret]) {
  return answeringApi((url) => ({ metadata: {}, items: url.pathname.endsWith('/secrets') ? secrets : pods }))
}

const proving = ({ headers }: Received) => ({
  [endHeaders.proof]: proofOfEnd(key, String(headers[endHeaders.signature])),
})

it('sends a stop with a signature of time, pod and body, and nothing of the key or a token', async () => {
  const { pod, received } = await podWith(present, proving)
  await notifyUploaders(await apiWith([pod]), uuid, stop)
  const [{ method, url, headers, body } = received[0] as Received] = received
  expect([method, url, JSON.parse(body)]).toEqual(['POST', '/end', stop])
  const call = { attempt: 'pod-1', at: Number(headers[endHeaders.time]), body }
  expect(endRefusal(key, call, String(headers[endHeaders.signature]), Date.now())).toBeUndefined()
  expect(JSON.stringify(received)).not.toMatch(/the-token|f{64}/)
})

it('rejects if the program at the port can’t prove that it is the uploader', async () => {
  for (const fields of [{}, { [endHeaders.proof]: '0'.repeat(64) }]) {
    const { pod } = await podWith(present, () => fields)
    await expect(notifyUploaders(await apiWith([pod]), uuid, stop)).rejects.toThrow(
      /another program than the uploader answers/,
    )
  }
})

it.each([
  [307, present],
  [302, present],
  [308, former],
  [301, former],
])('follows no redirect: a %d is a failure', async (status, env) => {
  const target = await podWith([], () => ({}))
  const location = `${target.url}/job/x`
  const { pod, received } = await podWith(env, (one) => ({ status, location, ...proving(one) }))
  await expect(notifyUploaders(await apiWith([pod]), uuid, stop)).rejects.toThrow(`answered ${status}`)
  expect(received).toHaveLength(1)
  expect(target.received).toEqual([])
})

it('calls the uploader of a pod of version 0.2 by its token, without the key', async () => {
  const { pod, received } = await podWith(former, () => ({}))
  await notifyUploaders(await apiWith([pod]), uuid, stop)
  expect(received).toMatchObject([{ method: 'POST', url: '/end/the-token', body: JSON.stringify(stop) }])
  expect(Object.keys(received[0]?.headers ?? {})).not.toContain(endHeaders.signature)
})

it('sends nothing to a pod whose Secret has no key, as a replica of version 0.2 makes it', async () => {
  const { pod, received } = await podWith(present, proving)
  const without = { ...secret, data: {} }
  await expect(notifyUploaders(await apiWith([pod], [without]), uuid, stop)).rejects.toThrow(/has no key/)
  expect(received).toEqual([])
})

it('gives up after three seconds if the program at the port does not answer', async () => {
  const silent = new URL(await listenForTest(createServer(() => undefined)))
  const { pod } = await podWith([], () => ({}))
  const env = [{ name: 'UPLOADER_PORT', value: silent.port }, ...present]
  const begun = Date.now()
  const withSilent = { ...pod, spec: { ...pod.spec, initContainers: [{ name: 'uploader', env }] } }
  await expect(notifyUploaders(await apiWith([withSilent]), uuid, stop)).rejects.toThrow(/timeout/i)
  expect(Date.now() - begun).toBeLessThan(15_000)
})
