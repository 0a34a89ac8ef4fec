import { createHash, randomInt, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { unstoredError } from '../../../sidecar/pass/unstored.ts'
import { isFinal, type Job } from '../../../src/job/job.ts'
import type { Entry } from '../../../src/result-format/entry.ts'
import { Semaphore } from '../../../src/util/semaphore.ts'
import { postJson } from '../../support/api/http.ts'
import { kubectl } from '../../support/cluster/cluster.ts'
import { sha256OfPatterned } from '../../support/files/patterned.ts'
import { objectKeys, s3Client } from '../../support/store/bucket.ts'
import { eventually } from '../../support/time/eventually.ts'
import { patience } from '../../support/time/patience.ts'
import { keepEvidence } from './evidence.ts'
import { soakFaults } from './faults.ts'
import { endOf, type ReadFile, wrongWith } from './verdict.ts'
import { workFor } from './work.ts'
import { createWorld, type Deployed, type World } from './world.ts'

/*
 * Runs mixed work under random faults, one after the other, until each fault has come once, or for
 * longer with `npm run soak -- --minutes 60`. With all faults repaired, each job has to end as
 * its work and the faults aimed at it allow.
 */

const onceEach = process.env.SOAK_SECONDS === undefined
/** The longest that it takes until each fault has found a target. */
const seconds = Number(process.env.SOAK_SECONDS ?? 240)
/** Most unfinished jobs at once: more pods starve each other on two processors. */
const mostAtOnce = 10
/** Time after the last fault for backoffs, a kubelet's restart and repeated uploads. */
const settleSeconds = 240
/** Jobs whose results are read at once; two hours make thousands of jobs. */
const readAtOnce = 8

it(`mixed work under ${onceEach ? 'each fault once' : `random faults for ${seconds} s`} → no wrong outcome, nothing left`, {
  timeout: (seconds * 1.2 + patience * (settleSeconds + 240)) * 1000,
}, async () => {
  await using world = await createWorld()
  const end = Date.now() + seconds * 1000
  const tried = new Map<string, number>()
  const over = new AbortController()
  const disturbed = disturb(world, end, tried).finally(() => over.abort())
  // All jobs are judged even if the soak itself broke off.
  const halves = await Promise.allSettled([work(world, over.signal), disturbed])
  const reading = new Semaphore(readAtOnce)
  const verdicts = await Promise.all(world.jobs.map((job) => judgeAndKeep(world, job, reading)))
  const wrong = verdicts.flatMap(({ wrong }) => wrong ?? [])
  console.info(closingTable(world, tried, verdicts))
  expect(wrong).toEqual([])
  for (const half of halves) if (half.status === 'rejected') throw half.reason
  await expectAsManyAsDeployed(world)
  await expectNothingLeft(world)
})

interface Verdict {
  outcome: string
  bytes: number
  wrong: string | undefined
}

/**
 * Deploys jobs until `over` is aborted, each with an idempotency key, and
 * repeats a request until an API accepts it.
 */
async function work(world: World, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const unfinished = await countUnfinished(world)
    if (unfinished === undefined || unfinished >= mostAtOnce) {
      await sleep(500)
      continue
    }
    const work = workFor(`soak-${world.jobs.length}`, Math.random())
    const key = randomUUID()
    const uuid = await eventually(
      async () => {
        const { status, body } = await postJson(`${world.url()}/job/deploy`, work.request, {
          'Idempotency-Key': key,
        })
        if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
        return String(body.job_uuid)
      },
      { within: 60_000, every: 300 },
    )
    world.jobs.push({ uuid, work, aimed: [] })
    await sleep(randomInt(1500))
  }
}

async function countUnfinished(world: World): Promise<number | undefined> {
  const states = await Promise.all(world.jobs.slice(-40).map(({ uuid }) => jobOf(world, uuid)))
  return states.filter((job) => job === undefined || !isFinal(job.state)).length
}

/**
 * Injects one fault after the other until `end` or until each has come once; each is repaired
 * before the next one.
 */
async function disturb(world: World, end: number, tried: Map<string, number>): Promise<void> {
  const names = Object.keys(soakFaults)
  // Each fault comes once, in random order, before any fault comes again.
  let bag: string[] = []
  while (Date.now() < end && !(onceEach && tried.size === names.length)) {
    await sleep(500 + randomInt(3000))
    if (bag.length === 0) bag = names.toSorted(() => Math.random() - 0.5)
    const name = bag.pop() ?? ''
    if (await soakFaults[name]?.(world)) tried.set(name, (tried.get(name) ?? 0) + 1)
    // It had no target: it comes again after the others.
    else bag.unshift(name)
  }
}

async function judgeAndKeep(world: World, deployed: Deployed, reading: Semaphore): Promise<Verdict> {
  const verdict = await judge(world, deployed, reading)
  if (verdict.wrong === undefined) return verdict
  return { ...verdict, wrong: `${verdict.wrong}; see ${await keepEvidence(world, deployed.uuid)}` }
}

async function judge(world: World, deployed: Deployed, reading: Semaphore): Promise<Verdict> {
  const { uuid, work, aimed } = deployed
  let bytes = 0
  let job: Job | undefined
  let files: ReadFile[] = []
  const release = await reading.acquire()
  try {
    job = await eventually(
      async () => {
        const now = await jobOf(world, uuid)
        if (now === undefined || !isFinal(now.state)) throw new Error(`${now?.state}: ${now?.message}`)
        return now
      },
      { within: settleSeconds * 1000, every: 1000 },
    )
    files = await readAll(world, deployed, job)
    bytes = files.reduce((sum, { size }) => sum + size, 0)
  } catch (error) {
    const line = `${work.kind} ${uuid} (${aimed.join(', ')}): ${String(error)}: ${endOf(work, job, files)}`
    return { outcome: 'unread', bytes, wrong: line }
  } finally {
    release()
  }
  const wrong = wrongWith(work, aimed, job, files)
  const outcome = [job.state, job.reason].filter(Boolean).join(' ')
  const line = `${work.kind} ${uuid} (${aimed.join(', ')}): ${wrong}: ${endOf(work, job, files)}`
  return { outcome, bytes, wrong: wrong && line }
}

async function readAll(world: World, { uuid, work }: Deployed, job: Job): Promise<ReadFile[]> {
  if (job.result.state === 'missing') return []
  const found: ReadFile[] = []
  const listed = await eventually(
    async () => {
      const response = await fetch(`${world.url()}/job/${uuid}/result/list?limit=10000`)
      if (response.status !== 200) throw new Error(`list: ${response.status} ${await response.text()}`)
      return (await response.json()) as { files: Entry[] }
    },
    { within: 30_000, every: 500 },
  )
  for (const { path = '', size = 0, sha256, error } of listed.files) {
    if (error === unstoredError) continue
    const response = await fetch(`${world.url()}/job/${uuid}/result?file=${encodeURIComponent(path)}`)
    const body = Buffer.from(await response.arrayBuffer())
    const right =
      response.status === 200 &&
      body.length === size &&
      createHash('sha256').update(body).digest('hex') === sha256 &&
      // A truncated file in a partial result is a prefix of the worker's file.
      sha256 === sha256OfPatterned(work.seed, size)
    found.push({ name: path, size, right })
  }
  return found
}

async function jobOf(world: World, uuid: string): Promise<Job | undefined> {
  const response = await fetch(`${world.url()}/job/${uuid}`).catch(() => undefined)
  if (response?.status !== 200) return undefined
  return (await response.json()) as Job
}

/** Expects exactly one job for each key, also if a fault hit its deploy. */
async function expectAsManyAsDeployed(world: World): Promise<void> {
  const response = await fetch(`${world.url()}/job?limit=10000`)
  const { jobs } = (await response.json()) as { jobs: Job[] }
  expect(jobs.map(({ job_uuid: uuid }) => uuid).toSorted()).toEqual(
    world.jobs.map(({ uuid }) => uuid).toSorted(),
  )
}

async function expectNothingLeft(world: World): Promise<void> {
  for (const { uuid } of world.jobs) {
    expect((await fetch(`${world.url()}/job/${uuid}`, { method: 'DELETE' })).status).toBe(204)
  }
  await eventually(
    async () => {
      expect(await objectKeys(s3Client(world.minio), 'soak')).toEqual([])
      const kinds = 'jobs,pods,secrets,persistentvolumeclaims'
      const selector = 'app.kubernetes.io/managed-by=jobferry'
      expect(await kubectl('-n', world.where.namespace, 'get', kinds, '-l', selector, '-o', 'name')).toBe('')
    },
    { within: 120_000, every: 1000 },
  )
}

function closingTable(
  world: World,
  tried: ReadonlyMap<string, number>,
  verdicts: readonly Verdict[],
): string {
  const outcomes = Map.groupBy(verdicts, ({ outcome }) => outcome)
  const bytes = verdicts.reduce((sum, one) => sum + one.bytes, 0)
  const faults = [...tried.values()].reduce((sum, times) => sum + times, 0)
  const rows = [
    ['jobs', world.jobs.length],
    ...Array.from(outcomes, ([outcome, all]) => [`- ${outcome}`, all.length]).toSorted(),
    ['faults', faults],
    ...Array.from(tried, ([name, times]) => [`- ${name}`, times]).toSorted(),
    ['bytes compared', bytes],
    ['wrong outcomes', verdicts.filter(({ wrong }) => wrong !== undefined).length],
  ]
  return ['', '| soak | |', '| --- | --- |', ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join(
    '\n',
  )
}
