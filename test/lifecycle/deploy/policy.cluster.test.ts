import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApiOnCluster, apiOnCluster } from '../../support/api/api-on-cluster.ts'
import type { ApiProcess } from '../../support/api/api-process.ts'
import { postJson, waitForFinal } from '../../support/api/http.ts'
import { busybox } from '../../support/api/on-cluster.ts'
import { kubectl, kubectlJson } from '../../support/cluster/cluster.ts'

/* Callers under manifests/base/policy.yaml, with the API's own rights of manifests/base. */

let cluster: ApiOnCluster
let api: ApiProcess
beforeAll(async () => {
  cluster = await apiOnCluster({
    name: 'policy',
    asServiceAccount: true,
    environment: { POLICY_FILE: 'manifests/base/policy.yaml' },
  })
  await inNamespace('create', 'service', 'clusterip', 'database', '--tcp=5432')
  api = await cluster.start()
})
afterAll(() => cluster?.close())

function inNamespace(...args: string[]): Promise<string> {
  return kubectl('-n', cluster.namespace, ...args)
}

function deploy(fields: object, url = api.url) {
  return postJson(`${url}/job/deploy`, { ...busybox('exit 0'), ...fields })
}

/** Names of the refused fields, by the policy with 403. */
async function refusedFields(fields: object, url?: string): Promise<string[]> {
  const { status, body } = await deploy(fields, url)
  expect(status, JSON.stringify(body)).toBe(403)
  return (body.errors as { field: string }[]).map(({ field }) => field)
}

describe('a label of a caller', () => {
  it("can't make the job's pod an endpoint of a Service", async () => {
    expect(await refusedFields({ labels: { app: 'database' } })).toEqual(['labels.app'])
    interface Endpoints {
      items: { endpoints: unknown[] | null }[]
    }
    const { items } = await kubectlJson<Endpoints>('-n', cluster.namespace, 'get', 'endpointslices')
    expect(items.flatMap(({ endpoints }) => endpoints ?? [])).toEqual([])
  })

  it("can't make the job's pod one of the API's, which network policies let reach uploaders", async () => {
    const labels = { 'app.kubernetes.io/name': 'jobferry', 'app.kubernetes.io/component': 'api' }
    expect(await refusedFields({ labels })).toEqual(['labels.app.kubernetes.io/name'])
  })

  it('that selects nothing reaches the pod', async () => {
    const { status, body } = await deploy({ labels: { app: 'submission-helper' } })
    expect(status).toBe(201)
    const uuid = String(body.job_uuid)
    const selected = await inNamespace('get', 'jobs', '-l', 'app=submission-helper', '-o', 'name')
    expect(selected.trim()).toBe(`job.batch/job-${uuid}`)
    expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({ state: 'succeeded' })
  })

  it('is judged by names where the Role can not list Services', async () => {
    const rules = await kubectlJson<{ rules: { resources: string[] }[] }>(
      ...['-n', cluster.namespace, 'get', 'role', 'jobferry'],
    )
    const fewer = rules.rules.filter(({ resources }) => !resources.includes('services'))
    await inNamespace('patch', 'role', 'jobferry', '--type=merge', '-p', JSON.stringify({ rules: fewer }))
    const other = await cluster.start({ POD_UID: '' })
    const labels = { 'app.kubernetes.io/name': 'anything' }
    expect(await refusedFields({ labels }, other.url)).toEqual(['labels.app.kubernetes.io/name'])
    expect(await refusedFields({ labels: { app: 'jobferry' } }, other.url)).toEqual(['labels.app'])
    const plain = await deploy({ labels: { app: 'submission-helper' } }, other.url)
    expect(plain.status).toBe(201)
    await waitForFinal(other.url, String(plain.body.job_uuid), 60)
  })
})

it('config_map_ref takes what POST /resource/env made, and no other ConfigMap or Secret', async () => {
  await inNamespace('create', 'configmap', 'env-foreign', '--from-literal=PASSWORD=x')
  const foreign = await deploy({ config_map_ref: ['env-foreign'] })
  expect(foreign.status).toBe(400)
  expect(foreign.body.errors).toMatchObject([{ field: 'config_map_ref[0]' }])

  const made = await fetch(`${api.url}/resource/env`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: 'GREETING=hello\n',
  })
  const { id } = (await made.json()) as { id: string }
  const own = await deploy({ ...busybox('test "$GREETING" = hello'), config_map_ref: [id] })
  expect(await waitForFinal(api.url, String(own.body.job_uuid), 60)).toMatchObject({ state: 'succeeded' })
})

it('other fields that reach for rights of the namespace are refused together', async () => {
  const claim = 'job-6f1c1c1a-0c1d-4a4e-9d58-0123456789ab-x7k2p-results'
  const fields = {
    service_account: 'jobferry',
    priority_class: 'system-node-critical',
    tolerations: [{ operator: 'Exists' }],
    volumes: [{ claim, mount_path: '/data' }],
  }
  expect((await refusedFields(fields)).sort()).toEqual([
    'priority_class',
    'service_account',
    'tolerations[0]',
    'volumes[0].claim',
  ])
})
