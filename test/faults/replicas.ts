import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { Job, State } from '../../src/job/job.ts'
import { type ApiOnCluster, apiOnCluster } from '../support/api-on-cluster.ts'
import type { ApiProcess } from '../support/api-process.ts'
import { objectKeys } from '../support/bucket.ts'
import { kubectl, kubectlJson } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { getJson, waitForFinal } from '../support/http.ts'
import { busybox } from '../support/on-cluster.ts'

/** Kubernetes' usual 15 s until a Lease that isn't renewed may be taken, the takers' own 5 s, and some. */
const takeOverMilliseconds = 30_000

/** Two replicas of the API on a namespace and a bucket of their own. */
export async function startReplicas(name: string): Promise<Replicas> {
  const cluster = await apiOnCluster({ name })
  return new Replicas(cluster, await Promise.all([cluster.start(), cluster.start()]))
}

export class Replicas {
  readonly cluster: ApiOnCluster
  /** Those that run. */
  processes: ApiProcess[]

  constructor(cluster: ApiOnCluster, processes: ApiProcess[]) {
    this.cluster = cluster
    this.processes = processes
  }

  /** At one replica after another, as a Service does; only a connection that was not taken up leads to the next one. */
  async deployAnywhere(key: string, number: number): Promise<Answered> {
    for (let tries = 1; ; tries += 1) {
      const url = this.urls()[(number + tries) % this.processes.length] ?? ''
      try {
        return await deploy(url, { key, input: Buffer.from(key) })
      } catch (error) {
        const { code } = ((error as Error).cause ?? {}) as { code?: string }
        if (code !== 'ECONNREFUSED' || tries === 5) throw error
      }
    }
  }

  urls(): string[] {
    return this.processes.map(({ url }) => url)
  }

  async leaseHolder(): Promise<ApiProcess> {
    return await eventually(
      () => {
        const holder = this.processes.find(holdsLease)
        if (holder === undefined) throw new Error('nobody holds the Lease')
        return holder
      },
      { within: takeOverMilliseconds },
    )
  }

  /** Another replica has the Lease in time; the killed one is replaced. */
  async expectTakenOver(killed: ApiProcess): Promise<void> {
    const began = Date.now()
    this.processes = this.processes.filter((one) => one !== killed)
    await this.leaseHolder()
    console.info(`the Lease was taken over after ${Date.now() - began} ms`)
    this.processes.push(await this.cluster.start())
  }

  async replace(killed: ApiProcess): Promise<void> {
    this.processes = [...this.processes.filter((one) => one !== killed), await this.cluster.start()]
  }

  async expectResult(uuid: string, bytes: Uint8Array, count = 1): Promise<void> {
    const ended = await Promise.all(this.urls().map((url) => waitForFinal(url, uuid, 90)))
    for (const job of ended) {
      expect(job).toMatchObject({ state: 'succeeded', exit_code: 0, result: { state: 'complete', count } })
    }
    await this.expectBytes(uuid, bytes)
  }

  /** At every replica. */
  async expectBytes(uuid: string, bytes: Uint8Array): Promise<void> {
    for (const url of this.urls()) {
      const answer = await fetch(`${url}/job/${uuid}/result?file=data`)
      expect(answer.status).toBe(200)
      expect(sha256(await answer.bytes())).toBe(sha256(bytes))
    }
  }

  /** One Job that was let go, one record, one entry in the index, one set of inputs; all replicas say the same. */
  async expectOneJob(uuid: string): Promise<void> {
    await eventually(
      async () => {
        const { items } = await kubectlJson<{ items: { metadata: { finalizers?: string[] } }[] }>(
          ...['-n', this.cluster.namespace, 'get', 'jobs', '-l', `jobferry.dev/job=${uuid}`],
        )
        expect(items.map(({ metadata }) => metadata.finalizers ?? [])).toEqual([[]])
        await this.expectSameAnswers(uuid)
      },
      { within: takeOverMilliseconds, every: 500 },
    )
    const keys = await objectKeys(this.cluster.client, this.cluster.bucket, `jobs/${uuid}/`)
    expect(keys.filter((key) => key.includes('/input'))).toHaveLength(2)
  }

  async expectSameAnswers(uuid: string): Promise<void> {
    const [first, ...others] = await Promise.all(this.urls().map((url) => getJson<Job>(`${url}/job/${uuid}`)))
    for (const other of others) expect(other).toEqual(first)
    const index = await objectKeys(this.cluster.client, this.cluster.bucket, 'index/')
    expect(index.filter((key) => key.includes(uuid))).toHaveLength(1)
    expect(await objectKeys(this.cluster.client, this.cluster.bucket, `jobs/${uuid}/job.json`)).toHaveLength(
      1,
    )
  }

  async expectNothingOf(uuid: string): Promise<void> {
    const selector = ['-l', `jobferry.dev/job=${uuid}`, '-o', 'name']
    expect(
      await kubectl('-n', this.cluster.namespace, 'get', 'jobs,pods,secrets,configmaps', ...selector),
    ).toBe('')
    expect(await objectKeys(this.cluster.client, this.cluster.bucket, `jobs/${uuid}/`)).toEqual([])
  }
}

export const copying = 'cp /input/data $RESULT_DIRECTORY/data'
export const someMegabytes = 'dd if=/dev/zero of=$RESULT_DIRECTORY/big bs=1M count=60'

interface Asked {
  input: Uint8Array
  key?: string
  script?: string
  fields?: Record<string, unknown>
}

interface Answered {
  status: number
  uuid: string
}

export async function deploy(
  url: string,
  { key, input, script = copying, fields }: Asked,
): Promise<Answered> {
  const form = new FormData()
  form.append('input', new Blob([new Uint8Array(input)]), 'data')
  form.append('request', JSON.stringify({ ...busybox(script), ...fields }))
  const headers: Record<string, string> = key === undefined ? {} : { 'Idempotency-Key': key }
  const response = await fetch(`${url}/job/deploy`, { method: 'POST', headers, body: form })
  const { job_uuid: uuid = '' } = (await response.json()) as { job_uuid?: string }
  return { status: response.status, uuid }
}

function holdsLease({ log }: ApiProcess): boolean {
  const last = log.findLast((line) => line.includes('holds the Lease"'))
  return last !== undefined && !last.includes('no longer')
}

/** Until the job is in that state or beyond it. */
export async function until(url: string, uuid: string, state: State): Promise<void> {
  const order = ['queued', 'preparing', 'running', 'storing', 'succeeded']
  await eventually(
    async () => {
      const job = await getJson<Job>(`${url}/job/${uuid}`)
      expect(order.indexOf(job.state)).toBeGreaterThanOrEqual(order.indexOf(state))
    },
    { within: 60_000, every: 20 },
  )
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
