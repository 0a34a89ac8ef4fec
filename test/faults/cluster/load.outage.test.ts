import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Entry } from '../../../src/result-format/entry.ts'
import { type ApiOnCluster, apiOnCluster } from '../../support/api/api-on-cluster.ts'
import type { ApiProcess } from '../../support/api/api-process.ts'
import { getJson, postJson, waitForFinal } from '../../support/api/http.ts'
import { busybox } from '../../support/api/on-cluster.ts'
import { type AuditedCall, callsOf } from '../../support/cluster/audit.ts'
import { given } from '../../support/cluster/test-run.ts'
import { sha256OfPatterned, writePatterned } from '../../support/files/patterned.ts'
import { eventually } from '../../support/time/eventually.ts'
import { atLength } from '../plan.ts'

/*
 * Deploys as many jobs at once as one node can run, as a retry storm or a careless client does.
 */

const jobs = Number(process.env.LOAD_JOBS ?? (atLength ? 100 : 40))
const files = { first: 2 ** 20, second: 2 ** 20, third: 10 ** 6 } as const
/**
 * Upper bound of the API's resident memory; from source it takes about 220 MiB after its first job.
 */
const mostMiB = 400

let where: ApiOnCluster
let api: ApiProcess

beforeAll(async () => {
  where = await apiOnCluster({ name: 'load', asServiceAccount: true })
  api = await where.start()
})

afterAll(async () => {
  await where.close()
}, 600_000)

it(`a client deploys ${jobs} jobs at once → all complete, with bounded memory and requests`, {
  timeout: 900_000,
}, async () => {
  const before = await residentMiB(api.pid)
  let most = before
  const sampling = setInterval(() => {
    void residentMiB(api.pid).then((now) => {
      most = Math.max(most, now)
    })
  }, 500)
  const start = Date.now()
  const deployed = await Promise.all(Array.from({ length: jobs }, (_, index) => deploy(`load-${index}`)))
  const seconds = deployed.map((one) => one.seconds).toSorted((a, b) => a - b)
  const deployedAfter = (Date.now() - start) / 1000
  await Promise.all(deployed.map(({ uuid, seed }) => expectComplete(uuid, seed)))
  clearInterval(sampling)
  const all = (Date.now() - start) / 1000

  const calls = await eventually(async () => {
    const found = await callsOf(given('AUDIT_LOG'), where.namespace, 'jobferry')
    // The archive reads the logs after a job's final state.
    expect(count(found, 'get', 'pods/log')).toBeGreaterThanOrEqual(2 * jobs)
    return found
  })
  const table = tally(calls)
  console.info(
    `${jobs} jobs: deploy p50 ${at(seconds, 0.5)} s, p99 ${at(seconds, 0.99)} s, all deployed after ${deployedAfter.toFixed(1)} s, ` +
      `all complete after ${all.toFixed(1)} s; API resident ${before} → at most ${most} MiB; ` +
      `${(calls.length / jobs).toFixed(1)} requests a job to the API server: ${JSON.stringify(Object.fromEntries(table))}`,
  )
  expect(most).toBeLessThan(mostMiB)
  // A watch lasts 20 s, so there are three a minute.
  const minutes = Math.ceil(all / 60) + 1
  for (const resource of ['batch/jobs', 'pods']) {
    expect(count(calls, 'watch', resource)).toBeLessThanOrEqual(3 * minutes)
    expect(count(calls, 'list', resource)).toBeLessThanOrEqual(minutes)
  }
  const leases = calls.filter(({ resource }) => resource.endsWith('leases')).length
  // The Job, its Secret, resume, events while the job waits, two logs, the archive's annotations.
  expect((calls.length - leases) / jobs).toBeLessThanOrEqual(30)
})

async function deploy(seed: string): Promise<{ uuid: string; seed: string; seconds: number }> {
  const script = Object.entries(files).map(([name, size]) => writePatterned(`/output/${name}`, seed, size))
  const start = Date.now()
  const { status, body } = await postJson(`${api.url}/job/deploy`, busybox(script.join('; ')))
  const seconds = (Date.now() - start) / 1000
  expect(body).toMatchObject({ status: 'job deployed' })
  expect(status).toBe(201)
  return { uuid: String(body.job_uuid), seed, seconds }
}

async function expectComplete(uuid: string, seed: string): Promise<void> {
  const job = await waitForFinal(api.url, uuid, 270, 1000)
  expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete', count: 3 } })
  const list = await getJson<{ files: Entry[] }>(`${api.url}/job/${uuid}/result/list`)
  const expected = Object.entries(files).map(([name, size]) => [name, sha256OfPatterned(seed, size)])
  expect(list.files.map(({ path, sha256 }) => [path, sha256])).toEqual(expected)
  const response = await fetch(`${api.url}/job/${uuid}/result?file=third`)
  const bytes = Buffer.from(await response.arrayBuffer())
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256OfPatterned(seed, files.third))
}

async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024)
}

function at(sorted: readonly number[], share: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(2)
}

function count(calls: readonly AuditedCall[], verb: string, resource: string): number {
  return calls.filter((call) => call.verb === verb && call.resource === resource).length
}

function tally(calls: readonly AuditedCall[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { verb, resource } of calls) {
    const name = `${verb} ${resource}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}
