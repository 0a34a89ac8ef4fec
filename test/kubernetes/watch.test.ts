import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'
import { expect, it, onTestFinished } from 'vitest'
import { createApi } from '../../src/kubernetes/api.ts'
import { createClient } from '../../src/kubernetes/client.ts'
import type { Job } from '../../src/kubernetes/objects.ts'
import { Watcher } from '../../src/kubernetes/watch.ts'
import { createLog } from '../../src/log.ts'
import { eventually } from '../support/eventually.ts'

/** An API server that answers lists and watches in turn as the test says. */
async function startServer(answers: ((response: ServerResponse, url: URL) => void)[]) {
  const asked: URL[] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://server')
    asked.push(url)
    const answer = answers[asked.length - 1]
    if (answer !== undefined) answer(response, url)
    // Else it stays silent: a watch without events.
    else response.writeHead(200).flushHeaders()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const config = new KubeConfig()
  config.loadFromOptions({
    clusters: [{ name: 'test', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }],
    users: [{ name: 'test', token: 'token' }],
    contexts: [{ name: 'test', cluster: 'test', user: 'test' }],
    currentContext: 'test',
  })
  const client = createClient(config)
  const lists: string[][] = []
  const wentBack: boolean[] = []
  const events: string[] = []
  const nameOf = (job: Job) => job.metadata?.name ?? ''
  const take = (type: string, job: Job) => {
    if (nameOf(job) === 'bad') throw new Error('this one can not be worked with')
    events.push(`${type} ${nameOf(job)}`)
  }
  const watcher = new Watcher<Job>({
    what: 'Jobs',
    client,
    resource: createApi(client, 'jobs').jobs,
    labelSelector: 'a=b',
    log: createLog('test', 'silent'),
    onList: (items, list) => {
      lists.push(items.map(nameOf))
      wentBack.push(list.wentBack)
    },
    onEvent: take,
  })
  onTestFinished(async () => {
    await watcher.close()
    await client.close()
    server.closeAllConnections()
    server.close()
  })
  return { asked, lists, wentBack, events, watcher }
}

const list =
  (resourceVersion: string, ...names: string[]) =>
  (response: ServerResponse) => {
    const items = names.map((name) => ({ metadata: { name } }))
    response.end(JSON.stringify({ metadata: { resourceVersion }, items }))
  }

const line = (type: string, name: string, resourceVersion: string) =>
  `${JSON.stringify({ type, object: { metadata: { name, resourceVersion } } })}\n`

const fail =
  (status: number, message = 'no') =>
  (response: ServerResponse) => {
    response.writeHead(status).end(JSON.stringify({ kind: 'Status', message, reason: '' }))
  }

const versionOf = (url: URL | undefined) => url?.searchParams.get('resourceVersion')

it('lists all pages once and then goes on from there', async () => {
  const { asked, lists, events, watcher } = await startServer([
    (response) =>
      response.end(JSON.stringify({ metadata: { continue: 'more' }, items: [{ metadata: { name: 'a' } }] })),
    list('5', 'b'),
    (response) => response.write(line('ADDED', 'c', '6') + line('DELETED', 'a', '7')),
  ])
  await watcher.listed
  await eventually(() => expect(events).toEqual(['changed c', 'deleted a']))
  expect(lists).toEqual([['a', 'b']])
  expect(asked[1]?.searchParams.get('continue')).toBe('more')
  expect(asked[2]?.searchParams.get('labelSelector')).toBe('a=b')
  expect(versionOf(asked[2])).toBe('5')
})

it('goes on from the last event or bookmark when a connection breaks, even within a line', async () => {
  const { asked, lists, events } = await startServer([
    list('5'),
    (response) => {
      response.write(`${line('ADDED', 'a', '6')}${line('BOOKMARK', '', '9')}{"type":"ADD`)
      setTimeout(() => response.destroy(), 50)
    },
    list('12'),
    (response) => response.write(line('ADDED', 'b', '10')),
  ])
  await eventually(() => expect(events).toEqual(['changed a', 'changed b']))
  expect(asked[2]?.searchParams.get('limit')).toBe('1')
  expect(versionOf(asked[3])).toBe('9')
  expect(lists).toHaveLength(1)
})

it('lists again when a connection broke because the cluster was set back in time', async () => {
  const { asked, lists, wentBack } = await startServer([
    list('50', 'a', 'b'),
    (response) => response.end(line('ADDED', 'c', '60')),
    list('40', 'a'),
    list('41', 'a'),
  ])
  await eventually(() => expect(asked.length).toBeGreaterThan(4))
  expect(lists).toEqual([['a', 'b'], ['a']])
  expect(wentBack).toEqual([false, true])
  expect(versionOf(asked[4])).toBe('41')
})

it('ends at once though the API server is silent', async () => {
  const { asked, watcher } = await startServer([(response) => response.flushHeaders()])
  await eventually(() => expect(asked).toHaveLength(1))
  const began = Date.now()
  await watcher.close()
  expect(Date.now() - began).toBeLessThan(1000)
})

it.each([
  ['as an answer', fail(410)],
  [
    'as an event',
    (response: ServerResponse) =>
      response.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410 } })}\n`),
  ],
])('lists again when it is told %s that events are gone', async (_, gone) => {
  const { asked, lists } = await startServer([list('5', 'a'), gone, list('50', 'b')])
  await eventually(() => expect(asked.length).toBeGreaterThan(3))
  expect(lists).toEqual([['a'], ['b']])
  expect(versionOf(asked[3])).toBe('50')
})

it('tries again whatever the error, says so meanwhile, and not too often', async () => {
  const errors = [
    fail(500, 'broken'),
    fail(403, 'not allowed'),
    (response: ServerResponse) => response.destroy(),
  ]
  const { asked, watcher } = await startServer([...errors, ...errors, list('5', 'a')])
  await eventually(() => expect(watcher.trouble).toMatch(/Jobs.*(broken|not allowed)/))
  await watcher.listed
  await eventually(() => expect(watcher.trouble).toBeUndefined())
  expect(asked.length).toBeLessThan(12)
})

it('does not spin when every watch is closed at once', async () => {
  const close = (response: ServerResponse) => response.end()
  const { asked } = await startServer([list('5'), ...Array.from({ length: 200 }, () => close)])
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  expect(asked.length).toBeLessThan(10)
})

it('goes on behind an object that cannot be worked with', async () => {
  const { asked, events, watcher } = await startServer([
    list('5'),
    (response) => response.end(line('ADDED', 'bad', '6') + line('ADDED', 'good', '7')),
    list('8'),
  ])
  await eventually(() => expect(asked).toHaveLength(4))
  expect(events).toEqual(['changed good'])
  expect(versionOf(asked[3])).toBe('7')
  expect(watcher.trouble).toBeUndefined()
})

it('counts as current only once what happened during a trouble had time to come in', async () => {
  const inTime = () => Date.now() + 12_500
  const { watcher } = await startServer([list('5'), fail(500), list('5')])
  await watcher.listed
  expect(watcher.isCurrent()).toBe(true)
  await eventually(() => expect(watcher.trouble).toBeDefined())
  expect(watcher.isCurrent(0, inTime())).toBe(false)
  await eventually(() => expect(watcher.trouble).toBeUndefined())
  expect([watcher.isCurrent(), watcher.isCurrent(0, inTime())]).toEqual([false, true])
  // Whoever else had trouble since this watch was begun: its connection may be as dead.
  expect(watcher.isCurrent(Date.now() + 1, inTime())).toBe(false)
})
