import { callsOfUser } from '../../support/cluster/audit.ts'
import type { Row, Run, Topic } from '../measure.ts'
import { peakResidentMiB } from '../resident.ts'
import { firstByte, longestStop, type Page, percentile, repeat, timed, walk } from '../scale/timing.ts'
import { createWorld, type World } from '../scale/world.ts'

const size = { alive: 3000, finished: 7000, files: 1_000_000 }
const idleSeconds = 30

/**
 * One API that knows 10,000 jobs, 3,000 of them alive on a cluster with a fake kubelet,
 * and a result of 1,000,000 files. A row's run is one process of the API, or one
 * percentile of many requests to it.
 */
export const scale: Topic = {
  name: 'scale',
  async *run({ rounds, only }) {
    const rows = new Map(shapes.map((shape) => [shape.name, { ...shape, ours: [] as Run[] }]))
    await using world = await createWorld(size)
    for (let round = 0; round < rounds; round++) {
      for (const [name, run] of Object.entries(await measure(world))) rows.get(name)?.ours.push(run)
    }
    for (const { name: _, ...row } of rows.values()) if (row.what.includes(only)) yield row
  },
}

const known = '10,000 jobs known'
const large = '1,000,000 files'

const shapes = [
  { name: 'ready', what: `${known}: start to ready`, unit: 's', goal: { most: 10 } },
  { name: 'startCalls', what: `${known}: requests to the API server until ready`, unit: 'requests' },
  { name: 'startReads', what: `${known}: requests to the store until ready`, unit: 'requests' },
  {
    name: 'idleCalls',
    what: `${known}: requests to the API server in ${idleSeconds} idle s`,
    unit: 'requests',
  },
  { name: 'idleReads', what: `${known}: requests to the store in ${idleSeconds} idle s`, unit: 'requests' },
  { name: 'stop', what: `${known}: longest stop of the event loop while idle`, unit: 'ms' },
  { name: 'newest', what: `${known}: first page of the list, p99`, unit: 'ms', goal: { most: 100 } },
  { name: 'newestHalf', what: `${known}: first page of the list, p50`, unit: 'ms' },
  {
    name: 'all',
    what: `${known}: every page of the list, nothing cached, p99`,
    unit: 'ms',
    goal: { most: 100 },
  },
  { name: 'allHalf', what: `${known}: every page of the list, nothing cached, p50`, unit: 'ms' },
  { name: 'again', what: `${known}: every page of the list once more, p99`, unit: 'ms', goal: { most: 100 } },
  {
    name: 'filtered',
    what: `${known}: first page of a filter, p99`,
    unit: 'ms',
    goal: { most: 100 },
  },
  { name: 'filteredHalf', what: `${known}: first page of a filter, p50`, unit: 'ms' },
  { name: 'alive', what: `${known}: one that is alive, p99`, unit: 'ms' },
  { name: 'finished', what: `${known}: one that is finished, p99`, unit: 'ms' },
  { name: 'page', what: `${large}: a page of 1,000, p99`, unit: 'ms' },
  { name: 'pageHalf', what: `${large}: a page of 1,000, p50`, unit: 'ms' },
  { name: 'file', what: `${large}: one file of 4 KiB, p99`, unit: 'ms' },
  { name: 'fileHalf', what: `${large}: one file of 4 KiB, p50`, unit: 'ms' },
  { name: 'tarHalf', what: `${large}: first byte of the tar, p50`, unit: 'ms' },
  { name: 'tar', what: `${large}: first byte of the tar, p99`, unit: 'ms', goal: { most: 100 } },
] satisfies (Omit<Row, 'ours'> & { name: string })[]

type Name = (typeof shapes)[number]['name']

async function measure(world: World): Promise<Record<Name, Run>> {
  const before = await counted(world)
  const start = performance.now()
  const api = await world.startApi()
  const ready = (performance.now() - start) / 1000
  try {
    const atReady = await counted(world)
    const memory = async (value: number) => ({ value, residentMiB: await peakResidentMiB(api.pid) })
    const first = await memory(ready)
    const stop = await longestStop(api.url, idleSeconds * 1000)
    const atEnd = await counted(world)
    const list = await lists(api.url, world)
    const afterLists = await memory(list.newest)
    const files = await largeResult(api.url, world)
    return {
      ready: first,
      startCalls: { value: atReady.calls - before.calls },
      startReads: { value: atReady.reads - before.reads },
      idleCalls: { value: atEnd.calls - atReady.calls },
      idleReads: { value: atEnd.reads - atReady.reads },
      stop: { value: stop },
      ...runsOf(list),
      newest: afterLists,
      ...runsOf(files),
      tar: await memory(files.tar),
    }
  } finally {
    await api.stop()
  }
}

/** The second finds nothing: every job is judged. */
const filters = ['state=succeeded', 'label=none=x', 'phase=queued,running']

async function lists(url: string, { finished }: World) {
  const all = await walk(url, '/job')
  const newest = await repeat(300, () => timed(`${url}/job`))
  const again = await walk(url, '/job')
  await timed(`${url}/job?name=none`)
  const filtered = await repeat(300, (index) => timed(`${url}/job?${filters[index % filters.length]}`))
  const { body } = await timed<Page>(`${url}/job?limit=1000`)
  const one = (uuid: string | undefined) => timed(`${url}/job/${uuid}`)
  const alive = await repeat(300, (index) => one(body.jobs[index]?.job_uuid))
  const ended = await repeat(300, (index) => one(finished[(index * 20) % finished.length]))
  return {
    newest: percentile(newest, 0.99),
    newestHalf: percentile(newest, 0.5),
    all: percentile(all, 0.99),
    allHalf: percentile(all, 0.5),
    again: percentile(again, 0.99),
    filtered: percentile(filtered, 0.99),
    filteredHalf: percentile(filtered, 0.5),
    alive: percentile(alive, 0.99),
    finished: percentile(ended, 0.99),
  }
}

async function largeResult(api: string, { large: { uuid, path } }: World) {
  const url = `${api}/job/${uuid}/result`
  const somewhere = (index: number) => ((index * 7919) % 1000) * 1000
  const after = (index: number) => encodeURIComponent(path(somewhere(index) + 500))
  const page = await repeat(100, (index) => timed(`${url}/list?after=${after(index)}`))
  const file = await repeat(200, (index) =>
    firstByte(`${url}?file=${encodeURIComponent(path(somewhere(index)))}`),
  )
  const tar = await repeat(30, () => firstByte(`${url}?format=tar`))
  return {
    page: percentile(page, 0.99),
    pageHalf: percentile(page, 0.5),
    file: percentile(file, 0.99),
    fileHalf: percentile(file, 0.5),
    tar: percentile(tar, 0.99),
    tarHalf: percentile(tar, 0.5),
  }
}

function runsOf<Names extends string>(values: Record<Names, number>): Record<Names, Run> {
  const entries = Object.entries<number>(values).map(([name, value]) => [name, { value }])
  return Object.fromEntries(entries) as Record<Names, Run>
}

async function counted(world: World): Promise<{ calls: number; reads: number }> {
  const calls = await callsOfUser(world.cluster.auditLog, 'jobferry')
  return { calls: calls.length, reads: await world.storeRequests() }
}
