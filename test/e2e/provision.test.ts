import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ApiOnCluster, apiOnCluster } from '../support/api/api-on-cluster.ts'
import type { ApiProcess } from '../support/api/api-process.ts'
import { getJson } from '../support/api/http.ts'
import { type Connector, startConnector } from '../support/connector/connector.ts'
import { freePort } from '../support/free-port.ts'
import { s3Client } from '../support/store/bucket.ts'
import { eventually } from '../support/time/eventually.ts'

/*
 * A connector requests assets that jobs on a real cluster make, and
 * pulls them from the API and the store.
 */

const ns = 'https://w3id.org/edc/v0.0.1/ns/'
const script = 'seq 1 200000 >"$RESULT_DIRECTORY/numbers.txt"; echo "$WHAT" >"$RESULT_DIRECTORY/other.txt"'
const worker = `image: docker.io/library/busybox:latest
image_pull_policy: IfNotPresent
command: [sh, -c, ${JSON.stringify(script)}]
`
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')
const numbers = sha256(Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`).join(''))

let connector: Connector
let world: ApiOnCluster
let api: ApiProcess
let folder: string

beforeAll(async () => {
  connector = await startConnector()
  folder = await mkdtemp(join(tmpdir(), 'jobferry-provision-'))
  await mkdir(join(folder, 'jobs'))
  await writeFile(join(folder, 'jobs', 'numbers.yaml'), worker)
  await writeFile(join(folder, 'jobs', 'packed.yaml'), `${worker}result_layout: packed\n`)
  await writeFile(
    join(folder, 'datasets.yaml'),
    `datasets:
  - {id: numbers, job: numbers, file: numbers.txt, given_as: s3}
  - {pattern: 'packed-(?<what>\\w+)', job: packed, env: {WHAT: "\${what}"}, file: other.txt, given_as: s3, remove: job}
  - {id: pulled, job: numbers, file: numbers.txt}
`,
  )
  const port = await freePort()
  world = await apiOnCluster({
    name: 'provision',
    environment: {
      PORT: String(port),
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      JOBS_DIRECTORY: join(folder, 'jobs'),
      DATASETS_FILE: join(folder, 'datasets.yaml'),
      EDC_MANAGEMENT_URL: connector.managementUrl,
    },
  })
  api = await world.start()
})
afterAll(async () => {
  // world.close() starts another API on the same port.
  await api?.stop()
  await world?.close()
  await connector?.close()
  await rm(folder, { recursive: true, force: true })
})

type Properties = Readonly<Record<string, string>>

async function notifiedAddress(transfer: string): Promise<Properties> {
  // The notification comes after a whole job on the cluster.
  const [called] = await eventually(() => connector.until(`/${transfer}/provision`), { within: 90_000 })
  const { contentDataAddress } = (called?.body ?? {}) as { contentDataAddress: { properties: Properties } }
  return contentDataAddress.properties
}

/** Reads as a connector's S3 data plane does, which knows these properties but no session token. */
function readS3(address: Properties, key = address[`${ns}objectName`] ?? ''): Promise<Buffer> {
  const value = (name: string) => address[ns + name] ?? ''
  const access = {
    endpoint: value('endpointOverride'),
    accessKey: value('accessKeyId'),
    secretKey: value('secretAccessKey'),
  }
  return s3Client(access).getObject(value('bucketName'), key).then(buffer)
}

it('gives a file from S3 with an access key for this file alone, valid until the transfer ends', async () => {
  const asked = await connector.ask(api.url, 'provision', { asset: 'numbers' })
  const { job_uuid: uuid } = asked.json as { job_uuid: string }
  const address = await notifiedAddress(asked.transfer)
  expect(address).toMatchObject({
    [`${ns}type`]: 'AmazonS3',
    [`${ns}bucketName`]: world.bucket,
    [`${ns}region`]: 'us-east-1',
  })
  const key = address[`${ns}keyName`] ?? ''
  expect(key).toMatch(new RegExp(`^jobs/${uuid}/.*numbers.txt$`))
  expect(sha256(await readS3(address))).toBe(numbers)
  await expect(readS3(address, key.replace('numbers.txt', 'other.txt'))).rejects.toThrow('Access Denied')
  await connector.ask(api.url, 'deprovision', { ...asked, asset: 'numbers' })
  await expect(readS3(address)).rejects.toThrow()
  expect((await getJson<{ state: string }>(`${api.url}/job/${uuid}`)).state).toBe('succeeded')
})

it('copies a packed file to its own object, and removes the job and the copy', async () => {
  const asked = await connector.ask(api.url, 'provision', { asset: 'packed-this' })
  const address = await notifiedAddress(asked.transfer)
  expect(String(await readS3(address))).toBe('this\n')
  await connector.ask(api.url, 'deprovision', { ...asked, asset: 'packed-this' })
  const { job_uuid: uuid } = asked.json as { job_uuid: string }
  await eventually(async () => expect((await fetch(`${api.url}/job/${uuid}`)).status).toBe(404), {
    within: 60_000,
  })
})

it('notifies although the API is killed between result and notification; the pulled bytes are right', async () => {
  connector.fail(...Array.from({ length: 3 }, () => 503))
  const asked = await connector.ask(api.url, 'provision', { asset: 'pulled' })
  await eventually(() => expect(connector.calls.some(({ status }) => status === 503)).toBe(true), {
    within: 90_000,
  })
  await api.kill()
  connector.fail()
  api = await world.start()
  const address = await notifiedAddress(asked.transfer)
  const answer = await fetch(address[`${ns}baseUrl`] ?? '', {
    headers: { [address[`${ns}authKey`] ?? '']: address[`${ns}authCode`] ?? '' },
  })
  expect(sha256(Buffer.from(await answer.arrayBuffer()))).toBe(numbers)
  expect(
    connector.calls.filter(({ status, path }) => status === 204 && path.includes(asked.transfer)),
  ).toHaveLength(1)
  expect(connector.lost).toEqual([])
})
