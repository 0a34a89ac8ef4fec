import { afterAll, beforeAll, expect } from 'vitest'
import { waitForFinal } from '../../support/api/http.ts'
import { busybox } from '../../support/api/on-cluster.ts'
import { applyManifests } from '../../support/cluster/cluster.ts'
import { nextPod } from '../../support/cluster/pods.ts'
import { objectKeys } from '../../support/store/bucket.ts'
import { eventually } from '../../support/time/eventually.ts'
import { letEnd } from '../disruption/disrupted-worker.ts'
import { fault } from '../plan.ts'
import { type Meddling, startMeddling } from './meddling.ts'

/*
 * An operator edits a job's objects with kubectl. The API gives a
 * reason, goes on, and blocks no deletion.
 */

const whole = 'echo whole > $RESULT_DIRECTORY/file'

let my: Meddling

beforeAll(async () => {
  my = await startMeddling('kubectl-edit')
})

afterAll(() => my.close())

fault('the Secret of a running job is deleted → the job succeeds', 60, async () => {
  const uuid = await my.deploy('sleep 4; echo whole > $RESULT_DIRECTORY/file', { env: { A: 'b' } })
  await my.untilRunning(uuid)
  await my.within('delete', 'secret', `job-${uuid}`)
  expect(await waitForFinal(my.url, uuid, 60)).toMatchObject({
    state: 'succeeded',
    result: { state: 'complete' },
  })
  await my.expectFile(uuid)
  await my.remove(uuid)
})

fault(
  'the Secret of a waiting job is deleted → the message names the Secret, then failed as FailedMount',
  90,
  async () => {
    const uuid = await my.deploy('exit 0', {
      env: { A: 'b' },
      start_timeout_seconds: 40,
      node_selector: await my.unready(),
    })
    await my.untilReason(uuid, 'queued', 'Unschedulable')
    await my.within('delete', 'secret', `job-${uuid}`)
    await my.makeReady()
    await eventually(
      async () =>
        expect((await my.jobOf(uuid)).message).toMatch(new RegExp(`secret "job-${uuid}" not found`)),
      { within: 60_000 },
    )
    expect(await waitForFinal(my.url, uuid, 90)).toMatchObject({ state: 'failed', reason: 'FailedMount' })
    await my.expectNoObjects(uuid)
    await my.remove(uuid)
  },
)

fault(
  'the ConfigMap of a waiting job is deleted → the message names it, and the job runs once it is back',
  90,
  async () => {
    const made = await fetch(`${my.url}/resource/env`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'WHO=world\n',
    })
    const { id: settings } = (await made.json()) as { id: string }
    const uuid = await my.deploy('printf "whole\\n" > $RESULT_DIRECTORY/file; test $WHO = world', {
      config_map_ref: [settings],
      node_selector: await my.unready(),
    })
    await my.untilReason(uuid, 'queued', 'Unschedulable')
    await my.within('delete', 'configmap', settings)
    await my.makeReady()
    await my.untilReason(uuid, 'preparing', 'CreateContainerConfigError')
    expect((await my.jobOf(uuid)).message).toContain(`configmap "${settings}" not found`)
    await my.within('create', 'configmap', settings, '--from-literal=WHO=world')
    expect(await waitForFinal(my.url, uuid, 60)).toMatchObject({ state: 'succeeded' })
    await my.expectFile(uuid)
    await my.within('delete', 'configmap', settings)
    await my.remove(uuid)
  },
)

fault(
  'a quota allows no pod → QuotaExceeded, naming the quota, until the quota is deleted',
  120,
  async () => {
    await my.applyQuota({ pods: '0' })
    const uuid = await my.deploy('echo whole > $RESULT_DIRECTORY/file')
    await my.untilReason(uuid, 'queued', 'QuotaExceeded')
    expect((await my.jobOf(uuid)).message).toContain('quota-of-a-test')
    await my.within('delete', 'quota', 'quota-of-a-test')
    // The Job controller retries with a backoff.
    expect(await waitForFinal(my.url, uuid, 100)).toMatchObject({ state: 'succeeded' })
    await my.expectFile(uuid)
    await my.remove(uuid)
  },
)

fault(
  'a quota allows no Job → 503 that names the quota, and neither object nor input is left',
  60,
  async () => {
    await my.applyQuota({ 'count/jobs.batch': '0' })
    const form = new FormData()
    form.append('request', JSON.stringify(busybox('exit 0')))
    form.append('input', new Blob(['x'.repeat(100_000)]), 'data')
    const response = await fetch(`${my.url}/job/deploy`, { method: 'POST', body: form })
    expect(response.status).toBe(503)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    const problem = (await response.json()) as { type: string; detail: string }
    expect(problem.type).toBe('urn:jobferry:error:refused')
    expect(problem.detail).toMatch(/exceeded quota: quota-of-a-test/)
    expect(await objectKeys(my.cluster.client, my.cluster.bucket, 'jobs/')).toEqual([])
    await my.within('delete', 'quota', 'quota-of-a-test')
  },
)

fault('a queued job is suspended and resumed → Suspended meanwhile, then succeeded', 60, async () => {
  const uuid = await my.deploy('echo whole > $RESULT_DIRECTORY/file', { node_selector: await my.unready() })
  await my.untilReason(uuid, 'queued', 'Unschedulable')
  await my.patchJob(uuid, { spec: { suspend: true } })
  await my.untilReason(uuid, 'queued', 'Suspended')
  await my.makeReady()
  await my.patchJob(uuid, { spec: { suspend: false } })
  expect(await waitForFinal(my.url, uuid, 60)).toMatchObject({ state: 'succeeded' })
  await my.expectFile(uuid)
  await my.remove(uuid)
})

fault(
  'a running job is suspended and resumed → Suspended meanwhile, then a new pod runs the whole worker',
  120,
  async () => {
    const working = 'until [ -e /tmp/go ]; do sleep 0.2; done'
    const script = `trap 'exit 143' TERM; date > $RESULT_DIRECTORY/started; ${working}; ${whole}`
    const uuid = await my.deploy(script, { upload_timeout_seconds: 20 })
    await my.untilRunning(uuid)
    const first = await nextPod(my.cluster.namespace, uuid)
    await my.patchJob(uuid, { spec: { suspend: true } })
    await my.untilReason(uuid, 'queued', 'Suspended')
    await my.patchJob(uuid, { spec: { suspend: false } })
    await letEnd(my.cluster.namespace, await nextPod(my.cluster.namespace, uuid, [first]))
    const ended = await waitForFinal(my.url, uuid, 90)
    expect(ended).toMatchObject({ state: 'succeeded', result: { state: 'complete', count: 2 } })
    await my.expectFile(uuid)
    await my.remove(uuid)
  },
)

const edits: Record<string, object> = {
  'its job label is removed': { labels: { 'jobferry.dev/job': null } },
  'its job label names another job': {
    labels: { 'jobferry.dev/job': '11111111-1111-4111-8111-111111111111' },
  },
  'its managed-by label is removed': { labels: { 'app.kubernetes.io/managed-by': null } },
  'its managed-by label is changed': { labels: { 'app.kubernetes.io/managed-by': 'helm' } },
  'its request is garbled': { annotations: { 'jobferry.dev/request': '{"retries":' } },
  'its request gets an invalid value': { annotations: { 'jobferry.dev/request': '{"keep_seconds":"no"}' } },
  "its request's hash is removed": { annotations: { 'jobferry.dev/request-sha256': null } },
  'its stop annotation is garbled': { annotations: { 'jobferry.dev/stop': '{"outcome":"canceled"' } },
  'it gets the annotation of a half-made Job': { annotations: { 'jobferry.dev/creating': 'x' } },
}

for (const [edit, metadata] of Object.entries(edits)) {
  fault(`a running Job is edited: ${edit} → the job succeeds and is archived`, 60, async () => {
    const uuid = await my.deploy('sleep 5; echo whole > $RESULT_DIRECTORY/file')
    await my.untilRunning(uuid)
    await my.patchJob(uuid, { metadata })
    expect(await waitForFinal(my.url, uuid, 60)).toMatchObject({
      state: 'succeeded',
      result: { state: 'complete' },
    })
    await my.expectFile(uuid)
    await eventually(async () => expect(await my.finalizersOf(uuid)).toBe(''), { within: 20_000 })
    await my.remove(uuid)
    await my.expectNoObjects(uuid)
  })
}

fault(
  'the annotations of a Job are changed while no API runs → the job succeeds and is archived',
  90,
  async () => {
    const uuid = await my.deploy('sleep 5; echo whole > $RESULT_DIRECTORY/file')
    await my.untilRunning(uuid)
    await my.api.kill()
    const gone = {
      'jobferry.dev/request': null,
      'jobferry.dev/request-sha256': '',
      'jobferry.dev/stop': '[]',
    }
    await my.patchJob(uuid, { metadata: { annotations: gone, labels: { 'jobferry.dev/job': 'x' } } })
    await my.restart()
    expect(await waitForFinal(my.url, uuid, 60)).toMatchObject({
      state: 'succeeded',
      result: { state: 'complete' },
    })
    await my.expectFile(uuid)
    await eventually(async () => expect(await my.finalizersOf(uuid)).toBe(''), { within: 30_000 })
    await my.remove(uuid)
    await my.expectNoObjects(uuid)
  },
)

fault("a foreign Job and pod carry Jobferry's labels → the API leaves them alone", 60, async () => {
  const uuid = '22222222-2222-4222-8222-222222222222'
  const labels = { 'app.kubernetes.io/managed-by': 'jobferry', 'jobferry.dev/job': uuid }
  const [container] = [{ name: 'c', image: busybox('').image, command: ['sleep', '600'] }]
  const pod = { containers: [container], restartPolicy: 'Never', terminationGracePeriodSeconds: 0 }
  for (const name of [`job-${uuid}`, 'another']) {
    const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name, labels } }
    const spec = { template: { metadata: { labels }, spec: pod } }
    await applyManifests(JSON.stringify({ ...job, spec }), '-n', my.cluster.namespace)
  }
  const lone = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'lone', labels }, spec: pod }
  await applyManifests(JSON.stringify(lone), '-n', my.cluster.namespace)
  const mine = await my.deploy('echo whole > $RESULT_DIRECTORY/file')
  expect(await waitForFinal(my.url, mine, 60)).toMatchObject({ state: 'succeeded' })
  expect((await fetch(`${my.url}/job/${uuid}`)).status).toBe(404)
  expect(
    await my.within(
      'get',
      'jobs',
      `job-${uuid}`,
      'another',
      '-o',
      'jsonpath={.items[*].metadata.deletionTimestamp}',
    ),
  ).toBe('')
  await my.within('delete', `job/job-${uuid}`, 'job/another', 'pod/lone', '--timeout=30s')
  await my.remove(mine)
})
