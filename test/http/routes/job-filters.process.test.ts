import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BulkAnswer } from '../../../src/http/answers/bulk-answer.ts'
import type { LinkedJob } from '../../../src/job/links.ts'
import { eventually } from '../../support/time/eventually.ts'
import { call, deployJson } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'
import { untilFinal } from '../until-final.ts'

interface Page {
  jobs: LinkedJob[]
  next: string | null
}

let api: RunningApi
let running: string
let ended: string[]
beforeAll(async () => {
  api = await startApi({ sleep: 'command: [sleep, "600"]', quick: 'command: ["true"]' })
  ended = []
  for (const run of ['1', '2', '3']) {
    const uuid = await deploy({ job: 'quick', name: `run ${run}`, labels: { team: 'a', run } })
    await untilFinal(api.url, uuid)
    ended.unshift(uuid)
  }
  running = await deploy({ job: 'sleep', labels: { team: 'a' } })
  await eventually(async () => expect(await find('state=running')).toEqual([running]))
})
afterAll(() => api?.close())

describe('GET /job with filters', () => {
  it('finds jobs, live and finished, and combines the filters', async () => {
    expect(await find('label=team=a')).toEqual([running, ...ended])
    expect(await find('label=team=a&label=run=2')).toEqual([ended[1]])
    expect(await find('label=team%3Da&state=succeeded,failed')).toEqual(ended)
    expect(await find('phase=finished&job=quick&name=run+3')).toEqual([ended[0]])
    expect(await find('phase=queued,running&made_by=nobody')).toEqual([])
    expect(await find('phase=queued,running')).toEqual([running])
    expect(await find('job=nothing')).toEqual([])
    expect(await find('until=2026-01-01')).toEqual([])
    expect(await find('since=2026-01-01T00:00:00%2B02:00')).toEqual([running, ...ended])
  })

  it('has a link to the next page with the same filters', async () => {
    const first = await page('/job?label=team=a&label=run=1&label=run=1&limit=1')
    expect(first.next).toBeNull()
    const pages = [await page('/job?label=team=a&state=succeeded&limit=2')]
    pages.push(await page(pages[0]?.next ?? ''))
    expect(pages.map(({ jobs }) => jobs.map((job) => job.job_uuid))).toEqual([
      ended.slice(0, 2),
      ended.slice(2),
    ])
    expect(pages[1]?.next).toBeNull()
  })

  it.each([
    ['lable=team=a', 'lable', 'label'],
    ['stat=failed', 'stat', 'state'],
    ['state=suceeded', 'state', 'succeeded'],
    ['phase=succeeded', 'phase', 'finished'],
    ['state=failed&state=canceled', 'state', 'state=a,b'],
    ['name=a&name=b', 'name', 'one value'],
    ['name=', 'name', 'a value'],
    ['label=team', 'label', 'team=physics'],
    ['label==a', 'label', 'team=physics'],
    ['since=yesterday', 'since', '2026-01-31'],
    ['since=2026-13-01', 'since', '2026-01-31'],
    ['until=2026-02-30T12:00Z', 'until', '2026-01-31'],
    ['since=2026-01-02&until=2026-01-01', 'until', 'a later time'],
    ['job=quick&after=x', 'after', 'next'],
    ['job=quick&limit=0', 'limit', 'a whole number'],
  ])('?%s is 400, and names %s and %s', async (query, field, expected) => {
    const answer = await call(api.url, { path: `/job?${query}` })
    expect(answer.status).toBe(400)
    const { errors } = answer.json() as { errors: { field: string; expected: string }[] }
    expect(errors).toMatchObject([{ field, expected: expect.stringContaining(expected) }])
  })
})

describe('a call for many jobs', () => {
  it.each([
    ['POST', '/job/cancel'],
    ['DELETE', '/job'],
    ['DELETE', '/job?dry_run=true&limit=5'],
  ])('%s %s without a filter is refused', async (method, path) => {
    const answer = await call(api.url, { method, path })
    expect(answer.status).toBe(400)
    expect(answer.json()).toMatchObject({
      errors: [{ field: 'query', problem: expect.stringContaining('no filter') }],
    })
  })

  it.each([
    ['POST', '/job/cancel?label=team=a'],
    ['DELETE', '/job?label=team=a'],
  ])('%s %s with a body is refused: parameters in it would be missed', async (method, path) => {
    const body = '{"dry_run": true}'
    const headers = { 'content-type': 'application/json', 'content-length': String(body.length) }
    const answer = await call(api.url, { method, path, headers, body })
    expect(answer.status).toBe(400)
    expect(answer.json()).toMatchObject({ errors: [{ field: 'body' }] })
    expect(await find('label=team=a')).toEqual([running, ...ended])
  })

  it('says in a dry run what it would do, and does nothing', async () => {
    const dry = await act('POST', '/job/cancel?label=team=a&dry_run=true')
    expect(dry).toMatchObject({ action: 'cancel', dry_run: true, failed: 0, more: false })
    expect(dry.jobs).toMatchObject([{ job_uuid: running, job: 'sleep', state: 'running', done: false }])
    const all = await act('DELETE', '/job?label=team=a&dry_run=true&limit=2')
    expect(all).toMatchObject({ action: 'delete', more: true })
    expect(all.jobs.map(({ job_uuid: uuid }) => uuid)).toEqual([running, ended[0]])
    const rest = await act('DELETE', all.next ?? '')
    expect(rest).toMatchObject({ dry_run: true, more: false, next: null })
    expect(rest.jobs.map(({ job_uuid: uuid }) => uuid)).toEqual(ended.slice(1))
    expect(await find('label=team=a')).toEqual([running, ...ended])
  })

  it('cancels what runs, and deletes what has ended, with results', async () => {
    const canceled = await act('POST', '/job/cancel?label=team=a')
    expect(canceled.jobs).toMatchObject([{ job_uuid: running, state: 'running', done: true }])
    expect(await untilFinal(api.url, running)).toMatchObject({ state: 'canceled', phase: 'canceled' })
    const deleted = await act('DELETE', '/job?label=team=a&state=succeeded')
    expect(deleted.jobs.map(({ job_uuid: uuid, done }) => [uuid, done])).toEqual(
      ended.map((uuid) => [uuid, true]),
    )
    expect(await find('label=team=a')).toEqual([running])
    for (const uuid of ended) expect((await call(api.url, { path: `/job/${uuid}` })).status).toBe(404)
    const stored = await api.stored()
    expect(stored.filter((path) => ended.some((uuid) => path.includes(uuid)))).toEqual([])
  })
})

async function deploy(request: object): Promise<string> {
  const answer = await call(api.url, deployJson(request))
  const { job_uuid: uuid } = answer.json() as { job_uuid: string }
  return uuid
}

async function page(path: string): Promise<Page> {
  return (await call(api.url, { path })).json() as Page
}

async function find(query: string): Promise<string[]> {
  return (await page(`/job?${query}`)).jobs.map((job) => job.job_uuid)
}

async function act(method: string, path: string): Promise<BulkAnswer> {
  const answer = await call(api.url, { method, path })
  expect(answer.status).toBe(200)
  return answer.json() as BulkAnswer
}
