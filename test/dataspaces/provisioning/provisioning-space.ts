import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { call } from '../../http/client.ts'
import { type Embedded, startEmbedded } from '../../support/api/embedded.ts'
import { type Connector, startConnector } from '../../support/connector/connector.ts'
import { type Receiver, startReceiver } from '../../support/connector/receiver.ts'
import { freePort } from '../../support/free-port.ts'

export const ns = 'https://w3id.org/edc/v0.0.1/ns/'

const jobs = {
  quick: shell('printf "$TEXT" >"$RESULT_DIRECTORY/a.txt"; printf other >"$RESULT_DIRECTORY/b.txt"'),
  slow: shell('printf begun >"$RESULT_DIRECTORY/a.txt"; sleep 60'),
  failing: shell('echo no >&2; exit 3'),
}

const mapping = `datasets:
  - {pattern: 'text-(?<text>\\w+)', job: quick, env: {TEXT: "\${text}"}, file: a.txt, remove: job}
  - {pattern: 'all-.*', job: quick}
  - {id: calling, job: calling}
  - {id: slow, job: slow, file: a.txt}
  - {id: failing, job: failing}
  - {id: missing, job: quick, file: c.txt}
  - {id: unconfigured, job: nowhere}
  - {id: s3, job: quick, file: a.txt, given_as: s3}
  - {pattern: 'job:(?<uuid>.*)', job_uuid: "\${uuid}", file: b.txt}
`

/** An API with these jobs and datasets, for a connector. */
export interface ProvisioningSpace {
  connector: Connector
  /** The receiver of the callbacks of the configured job `calling`. */
  receiver: Receiver
  /** The API's. */
  url: string
  /** The uuid of a finished job whose results are an asset. */
  archive: string
  /** The callbacks of a job, as the API lists them. */
  callbacksOf(uuid: string): Promise<{ kind: string; state: string; attempts: unknown[] }[]>
}

/** Starts one for the file's tests, which may use it from then on; each begins without calls. */
export function provisioningSpace(): ProvisioningSpace {
  const space = {
    async callbacksOf(uuid: string) {
      const answer = await call(space.url, { path: `/job/${uuid}/callbacks` })
      return (answer.json() as { callbacks: Awaited<ReturnType<typeof space.callbacksOf>> }).callbacks
    },
  } as ProvisioningSpace
  const datasets = join(tmpdir(), `jobferry-datasets-${randomUUID()}.yaml`)
  let api: Embedded
  beforeAll(async () => {
    space.connector = await startConnector()
    space.receiver = await startReceiver()
    await writeFile(datasets, mapping)
    const calling = `${jobs.quick}\ncallback: ${space.receiver.url}`
    const port = await freePort()
    api = await startEmbedded(
      { ...jobs, calling },
      {
        CALLBACK_SECRETS: `*: whsec_${Buffer.alloc(32).toString('base64')}`,
        OUTGOING_ALLOW: 'any',
        PORT: String(port),
        PUBLIC_URL: `http://127.0.0.1:${port}`,
        DATASETS_FILE: datasets,
        EDC_API_KEY: 'connectors-key',
        EDC_MANAGEMENT_URL: space.connector.managementUrl,
        LOG_LEVEL: 'fatal',
      },
    )
    space.url = api.url
    const deployed = await call(api.url, { path: '/job/deploy?job=quick&wait=50' })
    space.archive = (deployed.json() as { job_uuid: string }).job_uuid
  })
  afterAll(async () => {
    await api?.remove()
    await space.connector?.close()
    await space.receiver?.stop()
    await rm(datasets, { force: true })
  })
  beforeEach(() => {
    space.connector.calls.length = 0
    space.connector.lost.length = 0
  })
  return space
}

/** The properties of a data address. */
export interface Properties {
  [iri: string]: string
}

/** The properties of the data address in a callback. */
export function addressIn(body: unknown): Properties {
  const { contentDataAddress, dataAddress } = body as Record<string, { properties: Properties }>
  return (contentDataAddress ?? dataAddress)?.properties ?? {}
}

/** Reads the data as a connector's data plane does. */
export async function pull(address: Properties): Promise<{ status: number; body: string }> {
  const { [`${ns}baseUrl`]: url = '', [`${ns}authKey`]: key = '', [`${ns}authCode`]: code = '' } = address
  const answer = await fetch(url, { headers: { [key]: code } })
  return { status: answer.status, body: await answer.text() }
}

function shell(script: string): string {
  return `command: ["sh", "-c", ${JSON.stringify(script)}]`
}
