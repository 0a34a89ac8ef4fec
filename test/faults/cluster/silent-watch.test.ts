import { expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { apiOnCluster } from '../../support/api/api-on-cluster.ts'
import { getJson, postJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, startOnCluster, untilState } from '../../support/api/on-cluster.ts'
import { kubectl } from '../../support/cluster/cluster.ts'
import { cutKubeconfig } from '../../support/cluster/cut-kubeconfig.ts'
import { damageOf, deployFiles, removeJob } from '../../support/files/random-files.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fault, outage } from '../plan.ts'

/*
 * Connections to the API server stay open but deliver nothing, as behind a firewall that dropped
 * their state. The 30 s are the watch's own timeout (25 s) and its backoff.
 */

const files = { count: 50, bytes: 16_384 }

fault(
  'a watch falls silent while new connections work → the API sees the job’s end within a minute',
  120,
  async () => {
    await using cut = await cutKubeconfig()
    await using api = await startOnCluster({ name: 'silent', environment: { KUBECONFIG: cut.kubeconfig } })
    const uuid = await deployFiles(api.url, files, 'sleep 3')
    await untilState(api.url, uuid, 'running')
    cut.proxy.muteOpenConnections()
    const began = Date.now()
    const job = await waitForFinal(api.url, uuid, 60)
    console.info(`the end was seen ${Date.now() - began} ms after the watch had fallen silent`)
    expect(Date.now() - began).toBeLessThan(3_000 + 60_000)
    expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete', count: files.count } })
    expect(await damageOf(api.url, uuid)).toEqual([])
    await removeJob(api, uuid)
  },
)

fault(
  'the API server hangs → readiness reports it within a minute, calls time out, and jobs go on afterwards',
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
    expect(Date.now() - began).toBeLessThan(45_000)
    await eventually(
      async () => {
        const answer = await fetch(`${api.url}/health/ready`)
        expect(answer.status).toBe(200)
        const { missing } = (await answer.json()) as { missing: string[] }
        expect(missing.join()).toMatch(/Jobs.*Pods/)
      },
      { atMost: 60_000 - (Date.now() - began) },
    )
    await outage()
    expect(await getJson<Job>(`${api.url}/job/${uuid}`)).toMatchObject({ state: 'running' })
    await cut.proxy.setFault({ kind: 'pass' })
    expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({ state: 'succeeded' })
    expect(await damageOf(api.url, uuid)).toEqual([])
    await removeJob(api, uuid)
    // The API server still received the refused request: its
    // half-made Job is removed after a minute.
    await eventually(async () => expect(await jobNames(api.namespace)).toBe(''), {
      within: 90_000,
      every: 1000,
    })
  },
)

fault('the API is stopped while the API server hangs → the API ends within half a minute', 60, async () => {
  await using cut = await cutKubeconfig()
  await using cluster = await apiOnCluster({ name: 'ends' })
  const api = await cluster.start({ KUBECONFIG: cut.kubeconfig })
  await cut.proxy.setFault({ kind: 'hang' })
  const began = Date.now()
  expect(await api.stop()).toBe(0)
  expect(Date.now() - began).toBeLessThan(30_000)
})

function jobNames(namespace: string): Promise<string> {
  return kubectl('-n', namespace, 'get', 'jobs', '-o', 'name')
}
