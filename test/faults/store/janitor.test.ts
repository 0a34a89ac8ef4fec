import { randomUUID } from 'node:crypto'
import { text } from 'node:stream/consumers'
import type { Client } from 'minio'
import { expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import type { Removal } from '../../../src/job/removal.ts'
import { type ApiOnCluster, apiOnCluster } from '../../support/api/api-on-cluster.ts'
import type { ApiProcess } from '../../support/api/api-process.ts'
import { getJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, untilState } from '../../support/api/on-cluster.ts'
import { applyManifests, kubectl } from '../../support/cluster/cluster.ts'
import { given } from '../../support/cluster/test-run.ts'
import { damageOf, deployFiles } from '../../support/files/random-files.ts'
import { objectKeys } from '../../support/store/bucket.ts'
import { startFaultProxy } from '../../support/store/fault-proxy.ts'
import { killUploaderContainer } from '../../support/store/uploader-faults.ts'
import { eventually } from '../../support/time/eventually.ts'
import { expectAllRemoved } from '../all-removed.ts'
import { fault } from '../plan.ts'

const patience = { within: 120_000, every: 500 }
const attempted = 'an uploader is killed, an attempt replaced, a Job half-made, a result expired'

fault(
  `${attempted} → a dry run logs them, then the janitor removes them, and no other result changes`,
  300,
  async () => {
    await using proxy = await startProxy()
    const environment = { S3_ENDPOINT_FOR_PODS: proxy.url, JANITOR_INTERVAL_SECONDS: '2' }
    await using place = await apiOnCluster({ name: 'janitor', environment })
    const dry = await place.start({ JANITOR_DRY_RUN: '1' })

    const complete = await deployFiles(dry.url, { count: 50, bytes: 1000 })
    const expiring = await deployFiles(dry.url, { count: 20, bytes: 1000 }, 'exit 0', {
      result_keep_seconds: 20,
    })
    const repeated = await deployFiles(dry.url, { count: 20, bytes: 1000 }, 'exit 3', { retries: 1 })
    const halfMade = await makeHalfMadeJob(place.namespace)
    for (const uuid of [complete, expiring]) await waitForFinal(dry.url, uuid, 60)
    const killed = await killWhileUploading(dry.url, place, proxy)
    await waitForFinal(dry.url, repeated, 60)
    const open = await openUpload(place.client, place.bucket, killed)

    // The dry run logs every removal and removes nothing, though the
    // expired result answers 410 already.
    const expected = [
      ['creation', halfMade],
      ['result', expiring],
      ['upload', killed],
      ['attempt', repeated],
      ['object', complete],
    ] as const
    await eventually(() => expectLogged(dry, expected), patience)
    expect(await metricOf(dry)).toEqual({})
    const before = await objectKeys(place.client, place.bucket)
    expect(before.filter((key) => key.startsWith(`jobs/${expiring}/`)).length).toBeGreaterThan(20)
    expect(await uploadsAt(place.client, place.bucket, open.key)).toEqual([open.id])
    expect(await jobNames(place.namespace)).toContain(`job-${halfMade}`)
    expect((await fetch(`${dry.url}/job/${expiring}/result/list`)).status).toBe(410)
    await dry.stop()

    const api = await place.start()
    await eventually(() => expectLogged(api, expected), patience)
    expect(await metricOf(api)).toMatchObject({ creation: 1, result: 1, upload: 1, attempt: 1 })
    await eventually(
      async () => expect(await jobNames(place.namespace)).not.toContain(`job-${halfMade}`),
      patience,
    )
    expect(await uploadsAt(place.client, place.bucket, open.key)).toEqual([])
    expect(await objectKeys(place.client, place.bucket, `jobs/${expiring}/`)).toEqual([
      `jobs/${expiring}/job.json`,
    ])
    expect(await getJson<Job>(`${api.url}/job/${expiring}`)).toMatchObject({
      state: 'succeeded',
      result: { state: 'expired', count: 20 },
    })
    expect((await fetch(`${api.url}/job/${expiring}/result?file=file-10001`)).status).toBe(410)
    for (const uuid of [complete, repeated, killed]) expect(await damageOf(api.url, uuid)).toEqual([])
    const { attempt } = await getJson<Job>(`${api.url}/job/${repeated}`)
    const folders = (await objectKeys(place.client, place.bucket, `jobs/${repeated}/`)).map(
      (key) => key.split('/')[2],
    )
    // `log` has the logs of the first attempt, whose files were replaced.
    expect(new Set(folders)).toEqual(new Set([attempt?.uid, 'job.json', 'log']))
    await expectAllRemoved(api.url, place)
  },
)

fault(
  'the API is killed while it removes an expired result → 410, and the next API removes the rest',
  240,
  async () => {
    const environment = { JANITOR_INTERVAL_SECONDS: '1', POD_UID: 'of-both' }
    await using place = await apiOnCluster({ name: 'janitor', environment })
    const first = await place.start()
    const uuid = await deployFiles(first.url, { count: 3000, bytes: 100 }, 'exit 0', {
      result_keep_seconds: 10,
    })
    const stored = () => objectKeys(place.client, place.bucket, `jobs/${uuid}/`)
    expect(await waitForFinal(first.url, uuid, 60)).toMatchObject({ state: 'succeeded' })
    const whole = (await stored()).length
    expect(whole).toBeGreaterThan(3000)
    await eventually(async () => expect((await stored()).length).toBeLessThan(3000), {
      within: 30_000,
      every: 20,
    })
    await first.kill()
    const left = (await stored()).length
    console.info(`${left} of ${whole} objects were left`)

    const second = await place.start()
    for (const path of ['result/list', 'result', 'result?file=file-10001', 'log']) {
      expect((await fetch(`${second.url}/job/${uuid}/${path}`)).status).toBe(410)
    }
    await eventually(async () => expect(await stored()).toEqual([`jobs/${uuid}/job.json`]), patience)
    await expectAllRemoved(second.url, place)
  },
)

async function startProxy() {
  const proxy = await startFaultProxy(given('S3_ENDPOINT_FOR_PODS'), given('NODE_ADDRESS'))
  return { ...proxy, url: proxy.url, [Symbol.asyncDispose]: () => proxy.close() }
}

/** A job whose uploader is killed for good during a multipart upload that its checkpoint names. */
async function killWhileUploading(
  url: string,
  place: ApiOnCluster,
  proxy: Awaited<ReturnType<typeof startProxy>>,
): Promise<string> {
  const uuid = await deployFiles(url, { count: 10, bytes: 1000, largeMebibytes: 100 }, 'sleep 2')
  await untilState(url, uuid, 'running')
  await proxy.setFault({ kind: 'throttle', bytesPerSecond: 2 ** 20 })
  await untilState(url, uuid, 'storing')
  // Once a checkpoint names the open multipart upload, the janitor knows it.
  await eventually(
    async () => expect(await newestCheckpoint(place, uuid)).toContain('"uploads":[{'),
    patience,
  )
  await killUploaderContainer(place.namespace, uuid)
  await proxy.setFault({ kind: 'pass' })
  expect(await waitForFinal(url, uuid, 60)).toMatchObject({ state: 'failed', reason: 'UploadInterrupted' })
  return uuid
}

async function newestCheckpoint({ client, bucket }: ApiOnCluster, uuid: string): Promise<string> {
  const keys = await objectKeys(client, bucket, `jobs/${uuid}/`)
  const checkpoints = keys.filter((key) => key.includes('/checkpoint/')).sort()
  return await text(await client.getObject(bucket, checkpoints.at(-1) ?? ''))
}

/** A Job as an interrupted creation leaves it: suspended, annotated, held by the finalizer. */
async function makeHalfMadeJob(namespace: string): Promise<string> {
  const uuid = randomUUID()
  const labels = { 'app.kubernetes.io/managed-by': 'jobferry', 'jobferry.dev/job': uuid }
  const annotations = {
    'jobferry.dev/creating': new Date().toISOString(),
    'jobferry.dev/request-sha256': 'ab',
  }
  const finalizers = ['jobferry.dev/archive']
  const container = { name: 'worker', ...pick(busybox('exit 0')) }
  const job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: `job-${uuid}`, namespace, labels, annotations, finalizers },
    spec: {
      suspend: true,
      template: { metadata: { labels }, spec: { restartPolicy: 'Never', containers: [container] } },
    },
  }
  await applyManifests(JSON.stringify(job))
  return uuid
}

function pick({ image, command }: { image: string; command: string[] }) {
  return { image, command }
}

function expectLogged(api: ApiProcess, expected: readonly (readonly [string, string])[]): void {
  const told = api.log.map((line) => JSON.parse(line) as Partial<Removal> & { msg: string })
  const removals = told.filter(({ msg }) => msg.startsWith('the janitor'))
  const names = new Set(removals.map(({ kind, job }) => `${kind} ${job}`))
  expect(expected.map((one) => one.join(' ')).filter((name) => !names.has(name))).toEqual([])
}

/** Kind of object → `jobferry_janitor_removed_total`. */
async function metricOf({ url }: ApiProcess): Promise<Record<string, number>> {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  const lines = metrics.matchAll(/^jobferry_janitor_removed_total\{kind="(\w+)"\} (\d+)$/gm)
  return Object.fromEntries(Array.from(lines, ([, kind, count]) => [kind, Number(count)]))
}

async function jobNames(namespace: string): Promise<string[]> {
  const printed = await kubectl('-n', namespace, 'get', 'jobs', '-o', 'jsonpath={.items[*].metadata.name}')
  return printed.split(' ')
}

async function openUpload(
  client: Client,
  bucket: string,
  uuid: string,
): Promise<{ key: string; id: string }> {
  const keys = await objectKeys(client, bucket, `jobs/${uuid}/`)
  const attempt = keys.find((key) => key.includes('/checkpoint/'))?.split('/')[2]
  const key = `jobs/${uuid}/${attempt}/files/large`
  const [id] = await uploadsAt(client, bucket, key)
  if (id === undefined) throw new Error(`no upload in parts is open at ${key}`)
  return { key, id }
}

/** MinIO lists multipart uploads for an exact key only. */
async function uploadsAt(client: Client, bucket: string, key: string): Promise<string[]> {
  const ids: string[] = []
  for await (const upload of client.listIncompleteUploads(bucket, key, true)) ids.push(upload.uploadId)
  return ids
}
