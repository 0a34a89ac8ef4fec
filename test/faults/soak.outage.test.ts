import { createHash, randomInt, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Entry } from '../../src/artifact/entry.ts'
import { isFinal, type Job } from '../../src/job/job.ts'
import { objectKeys, s3Client } from '../support/bucket.ts'
import { kubectl } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { postJson } from '../support/http.ts'
import { sha256OfPatterned } from '../support/patterned.ts'
import { soakFaults } from './soak/faults.ts'
import { type ReadFile, wrongWith } from './soak/verdict.ts'
import { workFor } from './soak/work.ts'
import { createWorld, type Deployed, type World } from './soak/world.ts'

/*
 * Mixed work with random faults, one after the other, for SOAK_SECONDS (180); `npm run soak -- --minutes 60` does it
 * longer. Then everything is repaired, and each job has to have ended as its work and the faults aimed at it allow.
 */

const seconds = Number(process.env.SOAK_SECONDS ?? 180)
/** More pods at once than that starve each other on two processors. */
const mostAtOnce = 10
/** From the end of the faults on: back-offs, a kubelet that comes back, results sent anew. */
const settleSeconds = 240

it(`mixed work under random faults for ${seconds} s → no wrong outcome, nothing left`, {
  timeout: (seconds + settleSeconds + 240) * 1000,
}, async () => {
  await using world = await createWorld()
  const end = Date.now() + seconds * 1000
  const tried = new Map<string, number>()
  await Promise.all([work(world, end), disturb(world, end, tried)])
  const verdicts = await Promise.all(world.jobs.map((job) => judge(world, job)))
  const wrong = verdicts.flatMap(({ wrong }) => wrong ?? [])
  console.info(closingTable(world, tried, verdicts))
  expect(wrong).toEqual([])
  await expectAsManyAsDeployed(world)
  await expectNothingLeft(world)
})

interface Verdict {
  outcome: string
  bytes: number
  wrong: string | undefined
}

/** Deploys jobs until the end, each under a key, asked for again until an API has taken it. */
async function work(world: World, end: number): Promise<void> {
  while (Date.now() < end) {
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

/** One fault after the other; each is over when the next one comes. */
async function disturb(world: World, end: number, tried: Map<string, number>): Promise<void> {
  const names = Object.keys(soakFaults)
  // Each once, in random order, before any comes again.
  let bag: string[] = []
  while (Date.now() < end) {
    await sleep(500 + randomInt(3000))
    if (bag.length === 0) bag = names.toSorted(() => Math.random() - 0.5)
    const name = bag.pop() ?? ''
    if (await soakFaults[name]?.(world)) tried.set(name, (tried.get(name) ?? 0) + 1)
  }
}

async function judge(world: World, deployed: Deployed): Promise<Verdict> {
  const { uuid, work, aimed } = deployed
  let bytes = 0
  let job: Job | undefined
  let files: ReadFile[] = []
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
    return { outcome: 'unread', bytes, wrong: `${work.kind} ${uuid} (${aimed.join(', ')}): ${String(error)}` }
  }
  const wrong = wrongWith(work, aimed, job, files)
  const outcome = [job.state, job.reason].filter(Boolean).join(' ')
  return { outcome, bytes, wrong: wrong && `${work.kind} ${uuid} (${aimed.join(', ')}): ${wrong}` }
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
  for (const { path = '', size = 0, sha256 } of listed.files) {
    const response = await fetch(`${world.url()}/job/${uuid}/result?file=${encodeURIComponent(path)}`)
    const body = Buffer.from(await response.arrayBuffer())
    const right =
      response.status === 200 &&
      body.length === size &&
      createHash('sha256').update(body).digest('hex') === sha256 &&
      // A file that was cut short in a partial result is a beginning of what its worker writes.
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

/** One job for one key, whatever was killed while it was asked for. */
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
