import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { curl } from '../../support/api/curl.ts'
import { getJson, waitForFinal } from '../../support/api/http.ts'
import { type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { applyManifests } from '../../support/cluster/cluster.ts'
import { given } from '../../support/cluster/test-run.ts'

/*
 * A worker that is root changes the files by which its pod's containers find the store, and waits
 * there for the uploader. It uploads while the worker runs: then it would meet the false store.
 */

const name = 'store'
let api: OnCluster
let store: URL
beforeAll(async () => {
  store = new URL(given('S3_ENDPOINT_FOR_PODS'))
  const environment = { S3_ENDPOINT_FOR_PODS: `http://${name}:${store.port}` }
  api = await startOnCluster({ name: 'hosts', environment })
  await nameStore(api.namespace, store)
})
afterAll(() => api?.close())

it('a worker that names itself the store in hosts and resolv.conf changes nothing that is stored', async () => {
  const script = `exec node "$INPUT_DIRECTORY/false-store.ts" ${name} ${store.hostname} ${store.port}`
  const uuid = await deploy(script, { run_as_user: 0 })
  const job = await waitForFinal(api.url, uuid, 90)
  expect(job, JSON.stringify(job)).toMatchObject({ state: 'succeeded', result: { state: 'complete' } })
  const log = await (await fetch(`${api.url}/job/${uuid}/log`)).text()
  // Its own inputs came before: nothing of the uploader's passed the false store.
  expect(log).toBe('changed\nrequests of others: 0\n')
  const { files } = await getJson<{ files: { path: string }[] }>(`${api.url}/job/${uuid}/result/list`)
  expect(files.map(({ path }) => path)).toEqual(['file'])
  expect(await (await fetch(`${api.url}/job/${uuid}/result?file=file`)).text()).toBe('the right bytes\n')
})

async function deploy(script: string, more: object): Promise<string> {
  const request = {
    image: given('UPLOADER_IMAGE'),
    image_pull_policy: 'IfNotPresent',
    command: ['sh', '-c', script],
    ...more,
  }
  const deployed = await curl(
    `${api.url}/job/deploy`,
    ...['-F', `request=${JSON.stringify(request)}`],
    ...['-F', `input=@${join(import.meta.dirname, '../../support/files/false-store.ts')}`],
  )
  expect(deployed.head, deployed.text()).toMatch(/^HTTP\/1.1 201 /m)
  return deployed.json<{ job_uuid: string }>().job_uuid
}

/** A name for the store in the namespace: a Service without pods, with the store's address. */
async function nameStore(namespace: string, { hostname, port }: URL): Promise<void> {
  const ports = [{ name: 's3', port: Number(port) }]
  const service = {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace } },
    spec: { clusterIP: 'None', ports },
  }
  const slice = {
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', ports },
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
    endpoints: [{ addresses: [hostname], conditions: { ready: true } }],
  }
  await applyManifests(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [service, slice] }))
}
