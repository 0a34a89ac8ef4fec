import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { getJson, postJson, waitForFinal } from '../../support/api/http.ts'
import { killNodeProcess } from '../../support/api/node-process.ts'
import { busybox, type OnCluster, startOnCluster, untilState } from '../../support/api/on-cluster.ts'
import { kubectl } from '../../support/cluster/cluster.ts'
import { damageOf, deployFiles, removeJob } from '../../support/files/random-files.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fault, outage, outageSeconds } from '../plan.ts'

/*
 * The cluster's API server gets a real SIGKILL. Finished results stay readable without it; the API
 * notices the jobs that ended meanwhile once the API server is back.
 */

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'api-server' })
})
afterAll(() => api?.close())

const files = { count: 100, bytes: 16_384 }

fault(
  'the API server is killed → finished results stay readable, and a deploy answers 503',
  120,
  async () => {
    const uuid = await deployFiles(api.url, files)
    await waitForFinal(api.url, uuid, 60)
    // Before the archive, the log comes from the kubelet, through the API server.
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
      expect((await getJson<{ jobs: Job[] }>(`${api.url}/job`)).jobs.map((job) => job.job_uuid)).toContain(
        uuid,
      )
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
  },
)

fault('a job ends while the API server is down → complete once the API server is back', 120, async () => {
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

fault('the API server is killed while a client deploys jobs → one Job for each 201', 320, async () => {
  const accepted = new Set<string>()
  let ended = false
  const deploying = (async () => {
    while (!ended) {
      const { status, body } = await postJson(`${api.url}/job/deploy`, busybox('exit 0'))
      if (status === 201) accepted.add(String(body.job_uuid))
      else expect(status).toBe(503)
      await sleep(400)
    }
  })()
  await eventually(() => expect(accepted.size).toBeGreaterThan(2), { within: 30_000 })
  {
    await using _apiServer = await killNodeProcess('kube-apiserver')
    await outage()
    ended = true
  }
  await deploying
  await Promise.all(
    Array.from(accepted, async (uuid) => {
      expect(await waitForFinal(api.url, uuid, 120, 500)).toMatchObject({ state: 'succeeded' })
      await removeJob(api, uuid)
    }),
  )
  // A deploy whose answer was lost may leave a half-made Job for a minute.
  await eventually(async () => expect(await jobNames()).toEqual([]), { within: 90_000, every: 1000 })
})

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
