import { expect } from 'vitest'
import type { Job } from '../../src/job/job.ts'
import { apiOnCluster } from '../support/api-on-cluster.ts'
import { kubectl } from '../support/cluster.ts'
import { cutKubeconfig } from '../support/cut-kubeconfig.ts'
import { eventually } from '../support/eventually.ts'
import { getJson, postJson, waitForFinal } from '../support/http.ts'
import { busybox, startOnCluster, untilState } from '../support/on-cluster.ts'
import { damageOf, deployFiles, removeJob } from '../support/random-files.ts'
import { fault, outage } from './plan.ts'

/*
 * Connections to the API server that stay open and give nothing any more, as behind a firewall that has forgotten
 * them. Seconds are those of the watch's own limit (25) and of its back-off.
 */

const files = { count: 50, bytes: 16_384 }

fault('a watch falls silent, and new connections work → what happened is seen within 30 s', 120, async () => {
  await using cut = await cutKubeconfig()
  await using api = await startOnCluster({ name: 'silent', environment: { KUBECONFIG: cut.kubeconfig } })
  const uuid = await deployFiles(api.url, files, 'sleep 3')
  await untilState(api.url, uuid, 'running')
  cut.proxy.muteOpenConnections()
  const began = Date.now()
  const job = await waitForFinal(api.url, uuid, 60)
  console.info(`the end was seen ${Date.now() - began} ms after the watch had fallen silent`)
  expect(Date.now() - began).toBeLessThan(3_000 + 30_000)
  expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete', count: files.count } })
  expect(await damageOf(api.url, uuid)).toEqual([])
  await removeJob(api, uuid)
})

fault(
  'the API server hangs → that is said within 30 s, calls end in time, and all goes on after',
  200,
  async () => {
    await using cut = await cutKubeconfig()
    await using api = await startOnCluster({ name: 'hangs', environment: { KUBECONFIG: cut.kubeconfig } })
    const uuid = await deployFiles(api.url, files, 'sleep 3')
    await untilState(api.url, uuid, 'running')
    await cut.proxy.setFault({ kind: 'hang' })
    const began = Date.now()
    const refused = await postJson(`${api.url}/job/deploy`, busybox('exit 0'))
    expect(refused).toMatchObject({ status: 503, body: { type: 'urn:jobferry:error:unavailable' } })
    expect(Date.now() - began).toBeLessThan(20_000)
    await eventually(
      async () => {
        const answer = await fetch(`${api.url}/health/ready`)
        expect(answer.status).toBe(200)
        const { missing } = (await answer.json()) as { missing: string[] }
        expect(missing.join()).toMatch(/Jobs.*Pods/)
      },
      { within: 30_000 - (Date.now() - began) },
    )
    await outage()
    expect(await getJson<Job>(`${api.url}/job/${uuid}`)).toMatchObject({ state: 'running' })
    await cut.proxy.setFault({ kind: 'pass' })
    expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({ state: 'succeeded' })
    expect(await damageOf(api.url, uuid)).toEqual([])
    await removeJob(api, uuid)
    // The refused request still arrived: what it began is taken back after a minute.
    await eventually(async () => expect(await jobNames(api.namespace)).toBe(''), {
      within: 90_000,
      every: 1000,
    })
  },
)

fault('the API ends while the API server hangs → it ends in seconds', 60, async () => {
  await using cut = await cutKubeconfig()
  await using cluster = await apiOnCluster({ name: 'ends' })
  const api = await cluster.start({ KUBECONFIG: cut.kubeconfig })
  await cut.proxy.setFault({ kind: 'hang' })
  const began = Date.now()
  expect(await api.stop()).toBe(0)
  expect(Date.now() - began).toBeLessThan(10_000)
})

function jobNames(namespace: string): Promise<string> {
  return kubectl('-n', namespace, 'get', 'jobs', '-o', 'name')
}
