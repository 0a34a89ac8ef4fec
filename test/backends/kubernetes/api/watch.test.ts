import { createServer, type ServerResponse } from 'node:http'
import { KubeConfig } from '@kubernetes/client-node'
import { expect, it, onTestFinished } from 'vitest'
import { createApi } from '../../../../src/backends/kubernetes/api/api.ts'
import { createClient } from '../../../../src/backends/kubernetes/api/client.ts'
import type { KubernetesJob } from '../../../../src/backends/kubernetes/api/objects.ts'
import { Watcher } from '../../../../src/backends/kubernetes/api/watch.ts'
import { createLog } from '../../../../src/util/log.ts'
import { listenForTest } from '../../../support/listen.ts'
import { eventually } from '../../../support/time/eventually.ts'
import { manualClock } from '../../../support/time/manual-clock.ts'

/** An API server that answers request n with `answers[n]`, and a Watcher of it. */
async function startServer(answers: ((response: ServerResponse, url: URL) => void)[], clock = manualClock()) {
  const asked: URL[] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://server')
    asked.push(url)
    const answer = answers[asked.length - 1]
    if (answer !== undefined) answer(response, url)
    // After the last answer the server stays silent, as a watch without events.
    else response.writeHead(200).flushHeaders()
  })
  const url = await listenForTest(server)
  const config = new KubeConfig()
  config.loadFromOptions({
    clusters: [{ name: 'test', server: url, skipTLSVerify: true }],
    users: [{ name: 'test', token: 'token' }],
    contexts: [{ name: 'test', cluster: 'test', user: 'test' }],
    currentContext: 'test',
  })
  const client = createClient(config)
  const lists: string[][] = []
  const wentBack: boolean[] = []
  const events: string[] = []
  const nameOf = (job: KubernetesJob) => job.metadata?.name ?? ''
  const take = (type: string, job: KubernetesJob) => {
    if (nameOf(job) === 'bad') throw new Error('this one can not be worked with')
    events.push(`${type} ${nameOf(job)}`)
  }
  const watcher = new Watcher<KubernetesJob>({
    kind: 'Jobs',
    client,
    resource: createApi(client, 'jobs').jobs,
    labelSelector: 'a=b',
    log: createLog('test', 'silent'),
    clock,
    onList: (items, list) => {
      lists.push(items.map(nameOf))
      wentBack.push(list.wentBack)
    },
    onEvent: take,
  })
  onTestFinished(async () => {
    await watcher.close()
    await client.close()
  })
  return { asked, lists, wentBack, events, watcher, clock }
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

it('lists all pages once and then watches from the version of the list', async () => {
  const { asked, lists, events, watcher, clock } = await startServer([
    (response) =>
      response.end(JSON.stringify({ metadata: { continue: 'more' }, items: [{ metadata: { name: 'a' } }] })),
    list('5', 'b'),
    (response) => response.write(line('ADDED', 'c', '6') + line('DELETED', 'a', '7')),
  ])
  await watcher.listed
  await clock.until(() => expect(events).toEqual(['changed c', 'deleted a']))
  expect(lists).toEqual([['a', 'b']])
  expect(asked[1]?.searchParams.get('continue')).toBe('more')
  expect(asked[2]?.searchParams.get('labelSelector')).toBe('a=b')
  expect(versionOf(asked[2])).toBe('5')
})

it('continues after the last event or bookmark if a connection breaks, even within a line', async () => {
  const { asked, lists, events, clock } = await startServer([
    list('5'),
    (response) => {
      response.write(`${line('ADDED', 'a', '6')}${line('BOOKMARK', '', '9')}{"type":"ADD`)
      setTimeout(() => response.destroy(), 50)
    },
    list('12'),
    (response) => response.write(line('ADDED', 'b', '10')),
  ])
  await clock.until(() => expect(events).toEqual(['changed a', 'changed b']))
  expect(asked[2]?.searchParams.get('limit')).toBe('1')
  expect(versionOf(asked[3])).toBe('9')
  expect(lists).toHaveLength(1)
})

it('lists again if a connection broke because the cluster was restored from a backup', async () => {
  const { asked, lists, wentBack, clock } = await startServer([
    list('50', 'a', 'b'),
    (response) => response.end(line('ADDED', 'c', '60')),
    list('40', 'a'),
    list('41', 'a'),
  ])
  await clock.until(() => expect(asked.length).toBeGreaterThan(4))
  expect(lists).toEqual([['a', 'b'], ['a']])
  expect(wentBack).toEqual([false, true])
  expect(versionOf(asked[4])).toBe('41')
})

it('closes at once even if the API server is silent', async () => {
  const { asked, watcher, clock } = await startServer([(response) => response.flushHeaders()])
  await clock.until(() => expect(asked).toHaveLength(1))
  const began = Date.now()
  await watcher.close()
  expect(Date.now() - began).toBeLessThan(10_000)
})

it.each([
  ['as an answer', fail(410)],
  [
    'as an event',
    (response: ServerResponse) =>
      response.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410 } })}\n`),
  ],
])('lists again on 410 Gone %s', async (_, gone) => {
  const { asked, lists, clock } = await startServer([list('5', 'a'), gone, list('50', 'b')])
  await clock.until(() => expect(asked.length).toBeGreaterThan(3))
  expect(lists).toEqual([['a'], ['b']])
  expect(versionOf(asked[3])).toBe('50')
})

it('retries after any error with backoff, and shows the trouble meanwhile', async () => {
  const errors = [
    fail(500, 'broken'),
    fail(403, 'not allowed'),
    (response: ServerResponse) => response.destroy(),
  ]
  const { asked, lists, watcher, clock } = await startServer([...errors, ...errors, list('5', 'a')])
  await clock.until(() => expect(watcher.trouble).toMatch(/Jobs.*(broken|not allowed)/))
  await clock.until(() => expect(lists).toHaveLength(1))
  await clock.until(() => expect(watcher.trouble).toBeUndefined())
  expect(asked.length).toBeLessThan(12)
})

it('retries with backoff if every watch is closed at once', async () => {
  const close = (response: ServerResponse, { searchParams }: URL) =>
    searchParams.has('watch') ? response.end() : list('5')(response)
  const pauses: number[] = []
  const clock = Object.assign(manualClock(), { sleep: async (ms: number) => void pauses.push(ms) })
  const answers = [list('5'), ...Array.from({ length: 200 }, () => close)]
  await startServer(answers, clock)
  await eventually(() => expect(pauses.length).toBeGreaterThan(7))
  for (const [index, pause] of pauses.slice(0, 8).entries())
    expect(pause).toBeGreaterThanOrEqual(Math.min(125 * 2 ** index, 5_000))
})

it('continues after an event whose handler throws', async () => {
  const { asked, events, watcher, clock } = await startServer([
    list('5'),
    (response) => response.end(line('ADDED', 'bad', '6') + line('ADDED', 'good', '7')),
    list('8'),
  ])
  await clock.until(() => expect(asked).toHaveLength(4))
  expect(events).toEqual(['changed good'])
  expect(versionOf(asked[3])).toBe('7')
  expect(watcher.trouble).toBeUndefined()
})

it('is current again only after the events of an outage had time to arrive', async () => {
  const { watcher, clock } = await startServer([list('5'), fail(500), list('5')])
  const inTime = () => clock.now() + 12_500
  await watcher.listed
  expect(watcher.isCurrent()).toBe(true)
  await clock.until(() => expect(watcher.trouble).toBeDefined())
  expect(watcher.isCurrent(0, inTime())).toBe(false)
  await clock.until(() => expect(watcher.trouble).toBeUndefined())
  expect([watcher.isCurrent(), watcher.isCurrent(0, inTime())]).toEqual([false, true])
  // After trouble of another watch since this watch began, this connection may be dead too.
  expect(watcher.isCurrent(clock.now() + 1, inTime())).toBe(false)
})
