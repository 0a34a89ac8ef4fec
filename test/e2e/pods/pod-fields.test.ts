import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pod } from '../../../src/backends/kubernetes/api/objects.ts'
import type { Job } from '../../../src/job/job.ts'
import { deployJob, getJson, postJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { applyManifests, kubectl, kubectlJson } from '../../support/cluster/cluster.ts'
import { eventually } from '../../support/time/eventually.ts'

let api: OnCluster
let folder: string
const runtimeClass = `jobferry-test-${process.pid}`

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobferry-pods-'))
  const policy = join(folder, 'policy.yaml')
  await writeFile(policy, 'env_secrets: [team-*, job-*, env-*]\nenv_config_maps: [settings]\n')
  api = await startOnCluster({ name: 'pods', environment: { POLICY_FILE: policy } })
  const inNamespace = ['-n', api.namespace, 'create']
  await kubectl(...inNamespace, 'secret', 'generic', 'team-database', '--from-literal=PASSWORD=hunter2')
  await kubectl(...inNamespace, 'configmap', 'settings', '--from-literal=MODE=fast', '--from-literal=A=map')
  await applyManifests(
    `{"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "${runtimeClass}"}, "handler": "runc"}`,
  )
})
afterAll(async () => {
  await kubectl('delete', 'runtimeclass', runtimeClass, '--ignore-not-found')
  await api?.close()
  await rm(folder, { recursive: true })
})

describe('fields of the pod', () => {
  it('are those of the pod that runs', async () => {
    const script = `df -k /dev/shm | tail -1 | awk '{print $2}' >$RESULT_DIRECTORY/shm
      echo "$PASSWORD $MODE $A" >$RESULT_DIRECTORY/env; dd if=/dev/zero of=/dev/shm/x bs=1M count=70 2>/dev/null`
    const uuid = await deployJob(api.url, {
      ...busybox(script),
      annotations: { 'team.example/cost': 'physics' },
      ...{ cpu: '1', cpu_request: '50m', memory: '256Mi', memory_request: '64Mi' },
      ...{ ephemeral_storage: '200Mi', shared_memory: '128Mi', runtime_class: runtimeClass },
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: ['linux'] }] },
            ],
          },
        },
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            {
              weight: 1,
              podAffinityTerm: {
                topologyKey: 'kubernetes.io/hostname',
                labelSelector: { matchLabels: { 'team.example/run': '7' } },
              },
            },
          ],
        },
      },
      env_from: [{ secret: 'team-database' }, { config_map: 'settings' }],
      env: { A: 'own' },
    })
    const job = await waitForFinal(api.url, uuid, 90)
    expect(job, job.message ?? '').toMatchObject({ state: 'succeeded', result: { state: 'complete' } })
    expect(await resultOf(uuid, 'shm')).toBe(`${128 * 1024}\n`)
    expect(await resultOf(uuid, 'env')).toBe('hunter2 fast own\n')
    const { items } = await kubectlJson<{ items: Pod[] }>(
      '-n',
      api.namespace,
      'get',
      'pods',
      '-l',
      `jobferry.dev/job=${uuid}`,
    )
    const [pod] = items
    expect(pod?.metadata?.annotations).toMatchObject({ 'team.example/cost': 'physics' })
    expect(pod?.spec).toMatchObject({
      runtimeClassName: runtimeClass,
      affinity: { podAntiAffinity: expect.anything() },
    })
    expect(pod?.spec?.containers[0]?.resources).toEqual({
      requests: { cpu: '50m', memory: '64Mi', 'ephemeral-storage': '200Mi' },
      limits: { cpu: '1', memory: '256Mi', 'ephemeral-storage': '200Mi' },
    })
  })

  it('that ask for a device or a runtime class that is not there are named while the job waits', async () => {
    const device = await deployJob(api.url, {
      ...busybox('true'),
      extended_resources: { 'jobferry.dev/none': 1 },
    })
    const runtime = await deployJob(api.url, { ...busybox('true'), runtime_class: 'none-such' })
    await eventually(
      async () => {
        const job = await getJson<Job>(`${api.url}/job/${device}`)
        expect(job).toMatchObject({ state: 'queued', reason: 'Unschedulable' })
        expect(job.message).toContain('jobferry.dev/none')
        const other = await getJson<Job>(`${api.url}/job/${runtime}`)
        expect(other).toMatchObject({ state: 'queued', reason: 'CreateContainerConfigError' })
        expect(other.message).toContain('none-such')
      },
      { within: 60_000 },
    )
  })

  it('give a worker no Secret of a job or of an environment, whatever the operator lists', async () => {
    const uuid = await deployJob(api.url, busybox('sleep 60'))
    const made = await fetch(`${api.url}/resource/env?secret=true`, {
      ...{ method: 'POST', body: 'A=1', headers: { 'content-type': 'text/plain' } },
    })
    const { id } = (await made.json()) as { id: string }
    for (const secret of [`job-${uuid}`, id, 'other']) {
      const { status, body } = await postJson(`${api.url}/job/deploy`, {
        ...busybox('env'),
        env_from: [{ secret }],
      })
      expect(status, secret).toBe(403)
      expect(body.errors).toMatchObject([{ field: 'env_from[0].secret' }])
    }
    await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })
  })
})

async function resultOf(uuid: string, file: string): Promise<string> {
  return await (await fetch(`${api.url}/job/${uuid}/result?file=${file}`)).text()
}
