import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect } from 'vitest'
import type { Job } from '../../src/job/job.ts'
import { kubectl } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { getJson, postJson, waitForFinal } from '../support/http.ts'
import { killNodeProcess } from '../support/node-process.ts'
import { busybox, type OnCluster, startOnCluster, untilState } from '../support/on-cluster.ts'
import { damageOf, deployFiles, removeJob } from '../support/random-files.ts'
import { fault, outage, outageSeconds } from './plan.ts'

/*
 * The API server of the cluster gets a real SIGKILL. What is finished is served without it; what ends meanwhile is
 * noticed when it is back.
 */

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'api-server' })
})
afterAll(() => api?.close())

const files = { count: 100, bytes: 16_384 }

fault('the API server is killed → finished results are served, and deploying answers 503', 120, async () => {
  const uuid = await deployFiles(api.url, files)
  await waitForFinal(api.url, uuid, 60)
  // Until it is archived, the log is the kubelet's to give.
  await eventually(async () => expect(await finalizersOf(uuid)).toBe(''), { within: 30_000 })
  const before = await jobNames()
  {
    await using _apiServer = await killNodeProcess('kube-apiserver')
    await eventually(async () => {
      const { status, missing } = await readiness()
      expect(status).toBe(200)
      expect(missing.join()).toMatch(/Jobs of the cluster can't be watched/)
    })
    expect(await damageOf(api.url, uuid)).toEqual([])
    expect((await getJson<{ jobs: Job[] }>(`${api.url}/job`)).jobs.map((job) => job.job_uuid)).toContain(uuid)
    const began = Date.now()
    const refused = await postJson(`${api.url}/job/deploy`, busybox('exit 0'))
    expect(refused).toMatchObject({ status: 503, body: { type: 'urn:jobferry:error:unavailable' } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Date.now() - began).toBeLessThan(20_000)
    await outage()
    expect((await readiness()).status).toBe(200)
  }
  await eventually(async () => expect(await readiness()).toEqual({ status: 200, missing: [] }), {
    within: 40_000,
  })
  expect(await jobNames()).toEqual(before)
  await removeJob(api, uuid)
})

fault('the API server is killed, and a job ends meanwhile → complete once it is back', 120, async () => {
  const uuid = await deployFiles(api.url, files, 'sleep 3')
  const lasting = await deployFiles(api.url, files, `sleep ${outageSeconds + 10}`)
  await Promise.all([untilState(api.url, uuid, 'running'), untilState(api.url, lasting, 'running')])
  {
    await using _apiServer = await killNodeProcess('kube-apiserver')
    await outage()
    expect(await getJson(`${api.url}/job/${uuid}`)).toMatchObject({ state: 'running' })
  }
  for (const one of [uuid, lasting]) {
    const job = await waitForFinal(api.url, one, 90)
    expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete', count: files.count } })
    expect(await damageOf(api.url, one)).toEqual([])
    await removeJob(api, one)
  }
})

fault(
  'the API server is killed while a job is deployed again and again → one Job for each answer',
  320,
  async () => {
    const accepted = new Set<string>()
    let ended = false
    const deploying = (async () => {
      while (!ended) {
        const { status, body } = await postJson(`${api.url}/job/deploy`, busybox('exit 0'))
        if (status === 201) accepted.add(String(body.job_uuid))
        else expect(status).toBe(503)
        await sleep(200)
      }
    })()
    await eventually(() => expect(accepted.size).toBeGreaterThan(2), { within: 30_000 })
    {
      await using _apiServer = await killNodeProcess('kube-apiserver')
      await outage()
      ended = true
    }
    await deploying
    for (const uuid of accepted) {
      expect(await waitForFinal(api.url, uuid, 120)).toMatchObject({ state: 'succeeded' })
      await removeJob(api, uuid)
    }
    // One whose answer was lost may stand half-made for a minute.
    await eventually(async () => expect(await jobNames()).toEqual([]), { within: 90_000, every: 1000 })
  },
)

async function readiness(): Promise<{ status: number; missing: string[] }> {
  const answer = await fetch(`${api.url}/health/ready`)
  return { status: answer.status, missing: ((await answer.json()) as { missing: string[] }).missing }
}

async function finalizersOf(uuid: string): Promise<string> {
  return await kubectl(
    '-n',
    api.namespace,
    'get',
    'job',
    `job-${uuid}`,
    '-o',
    'jsonpath={.metadata.finalizers}',
  )
}

async function jobNames(): Promise<string[]> {
  const names = await kubectl('-n', api.namespace, 'get', 'jobs', '-o', 'name')
  return names.split('\n').filter(Boolean).sort()
}
