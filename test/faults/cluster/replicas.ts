import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { Job, State } from '../../../src/job/job.ts'
import { type ApiOnCluster, apiOnCluster } from '../../support/api/api-on-cluster.ts'
import type { ApiProcess } from '../../support/api/api-process.ts'
import { getJson, waitForFinal } from '../../support/api/http.ts'
import { busybox } from '../../support/api/on-cluster.ts'
import { kubectl, kubectlJson } from '../../support/cluster/cluster.ts'
import { objectKeys } from '../../support/store/bucket.ts'
import { eventually } from '../../support/time/eventually.ts'

/**
 * Longest takeover: 15 s until an unrenewed Lease expires, 5 s between two attempts, and a margin.
 */
const takeOverMilliseconds = 30_000

/** Starts two replicas of the API that share a new namespace and a new bucket. */
export async function startReplicas(name: string): Promise<Replicas> {
  const cluster = await apiOnCluster({ name })
  return new Replicas(cluster, await Promise.all([cluster.start(), cluster.start()]))
}

export class Replicas {
  readonly cluster: ApiOnCluster
  /** The running replicas. */
  processes: ApiProcess[]

  constructor(cluster: ApiOnCluster, processes: ApiProcess[]) {
    this.cluster = cluster
    this.processes = processes
  }

  /**
   * Deploys at the replicas in turn, as a Service does; only a
   * refused connection leads to the next one.
   */
  async deployAnywhere(key: string, number: number): Promise<DeployAnswer> {
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

  /** Waits until another replica holds the Lease, then replaces the killed one. */
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

  /** Expects these bytes in the job's file `data` at every replica. */
  async expectBytes(uuid: string, bytes: Uint8Array): Promise<void> {
    for (const url of this.urls()) {
      const answer = await fetch(`${url}/job/${uuid}/result?file=data`)
      expect(answer.status).toBe(200)
      expect(sha256(await answer.bytes())).toBe(sha256(bytes))
    }
  }

  /**
   * Expects one archived Job, one record, one index entry, equal answers everywhere, and as many
   * objects of inputs as `inputs` says.
   */
  async expectOneJob(uuid: string, inputs: readonly number[] = [2]): Promise<void> {
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
    expect(inputs).toContain(keys.filter((key) => key.includes('/input')).length)
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

interface DeployRequest {
  input: Uint8Array
  key?: string
  script?: string
  fields?: Record<string, unknown>
}

interface DeployAnswer {
  status: number
  uuid: string
}

export async function deploy(
  url: string,
  { key, input, script = copying, fields }: DeployRequest,
): Promise<DeployAnswer> {
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

/** Waits until the job has reached this state or a later one. */
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
