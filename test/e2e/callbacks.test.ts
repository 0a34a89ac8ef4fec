import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiOnCluster, apiOnCluster } from '../support/api/api-on-cluster.ts'
import type { ApiProcess } from '../support/api/api-process.ts'
import { getJson, postJson } from '../support/api/http.ts'
import { busybox } from '../support/api/on-cluster.ts'
import { hang, type Received, startReceiver } from '../support/connector/receiver.ts'
import { objectKeys } from '../support/store/bucket.ts'
import { eventually } from '../support/time/eventually.ts'

const environment = {
  CALLBACK_SECRETS: `*: whsec_${Buffer.alloc(32).toString('base64')}`,
  OUTGOING_ALLOW: 'any',
}
/** The same pod UID for each process, as for a container that restarts in its pod. */
const first = { POD_UID: 'the-first' }
let cluster: ApiOnCluster
let api: ApiProcess

beforeAll(async () => {
  cluster = await apiOnCluster({ name: 'callbacks', environment })
  api = await cluster.start(first)
})
afterAll(() => cluster.close())

test('of two replicas only one sends the callback, once, for a request to either of them', async () => {
  await using receiver = await startReceiver()
  const other = await cluster.start()
  const uuids = await Promise.all([api, other].map(({ url }) => deploy(url, receiver.url)))
  await receiver.until(2, 60_000)
  for (const uuid of uuids) {
    await eventually(async () => expect(await states(other.url, uuid)).toEqual(['delivered']))
  }
  expect(receiver.received.map(jobOf).sort()).toEqual(uuids.sort())
  await other.stop()
})

test('a callback in flight when the API is killed is repeated by the next API, with the same id', async () => {
  await using receiver = await startReceiver()
  receiver.react(hang, { status: 204 })
  const uuid = await deploy(api.url, receiver.url)
  await receiver.until(1, 60_000)
  await restart()
  const [first, second] = await receiver.until(2, 60_000)
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
  expect(second?.body).toBe(first?.body)
  await eventually(async () => expect(await states(api.url, uuid)).toEqual(['delivered']), { within: 60_000 })
})

test.each([0, 100])(
  'an API that is killed %d ms after the manifest was stored still sends the callback',
  async (delay) => {
    await using receiver = await startReceiver()
    const uuid = await deploy(api.url, receiver.url)
    await eventually(
      async () =>
        expect((await objectKeys(cluster.client, cluster.bucket)).some(isManifestOf(uuid))).toBe(true),
      { within: 60_000, every: 5 },
    )
    await new Promise((over) => setTimeout(over, delay))
    await restart()
    await receiver.until(1, 60_000)
    await eventually(async () => expect(await states(api.url, uuid)).toEqual(['delivered']), {
      within: 60_000,
    })
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  },
)

async function deploy(url: string, callback: string): Promise<string> {
  const request = { ...busybox('echo done > $RESULT_DIRECTORY/file'), callback }
  const { status, body } = await postJson(`${url}/job/deploy`, request)
  expect(status, JSON.stringify(body)).toBe(201)
  return String(body.job_uuid)
}

/**
 * Kills the API with SIGKILL, as the out-of-memory killer does;
 * the next one gets the Lease at once.
 */
async function restart(): Promise<void> {
  await api.kill()
  api = await cluster.start(first)
}

async function states(url: string, uuid: string): Promise<string[]> {
  const { callbacks } = await getJson<{ callbacks: { state: string }[] }>(`${url}/job/${uuid}/callbacks`)
  return callbacks.map(({ state }) => state)
}

function jobOf({ body }: Received): string {
  return (JSON.parse(body) as { data: { job_uuid: string } }).data.job_uuid
}

function isManifestOf(uuid: string) {
  return (key: string) => key.startsWith(`jobs/${uuid}/`) && key.endsWith('manifest.ndjson')
}
