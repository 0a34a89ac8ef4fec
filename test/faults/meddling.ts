import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { Job, State } from '../../src/job/job.ts'
import { type ApiOnCluster, type ApiOnClusterOptions, apiOnCluster } from '../support/api-on-cluster.ts'
import type { ApiProcess } from '../support/api-process.ts'
import { type AuditedCall, callsOf } from '../support/audit.ts'
import { objectKeys } from '../support/bucket.ts'
import { applyManifests, kubectl } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { getJson, postJson } from '../support/http.ts'
import { busybox } from '../support/on-cluster.ts'
import { given } from '../support/test-run.ts'

/** Ends at once when it is told to, as a worker should. */
export const obedient =
  'trap "exit 143" TERM; echo whole > $RESULT_DIRECTORY/file; while :; do sleep 0.2; done'
/** `sh` as process 1 ignores SIGTERM. */
export const deaf = 'echo whole > $RESULT_DIRECTORY/file; sleep 600'

/** An API with a namespace of its own, in which somebody meddles by kubectl. */
export async function startMeddling(
  name: string,
  options: Omit<ApiOnClusterOptions, 'name'> = {},
): Promise<Meddling> {
  const cluster = await apiOnCluster({ name, asServiceAccount: true, ...options })
  const api = await cluster.start()
  await eventually(() => expect(api.log.join()).toContain('holds the Lease'), { within: 30_000 })
  return new Meddling(cluster, api)
}

export class Meddling {
  readonly #cluster: ApiOnCluster
  api: ApiProcess

  constructor(cluster: ApiOnCluster, api: ApiProcess) {
    this.#cluster = cluster
    this.api = api
  }

  get url(): string {
    return this.api.url
  }

  get cluster(): ApiOnCluster {
    return this.#cluster
  }

  /** Looks at what the API called, and ends all of it. */
  async close(): Promise<void> {
    try {
      await this.expectNoHotLoop()
    } finally {
      await this.#cluster.close()
    }
  }

  async restart(): Promise<void> {
    this.api = await this.#cluster.start()
  }

  async deploy(script: string, fields: Record<string, unknown> = {}): Promise<string> {
    const { status, body } = await postJson(`${this.api.url}/job/deploy`, {
      ...busybox(script),
      stop_grace_seconds: 5,
      ...fields,
    })
    expect(status, JSON.stringify(body)).toBe(201)
    return String(body.job_uuid)
  }

  jobOf(uuid: string): Promise<Job> {
    return getJson<Job>(`${this.api.url}/job/${uuid}`)
  }

  within(...args: string[]): Promise<string> {
    return kubectl('-n', this.#cluster.namespace, ...args)
  }

  /** Until its worker has written, and the uploader has seen it. */
  async untilRunning(uuid: string): Promise<void> {
    await eventually(async () => expect((await this.jobOf(uuid)).state).toBe('running'), { within: 60_000 })
  }

  async untilReason(uuid: string, state: State, reason: string): Promise<void> {
    await eventually(async () => expect(await this.jobOf(uuid)).toMatchObject({ state, reason }), {
      within: 60_000,
    })
  }

  async deleteJob(uuid: string, cascade: string): Promise<void> {
    await this.within('delete', 'job', `job-${uuid}`, `--cascade=${cascade}`, '--wait=false')
  }

  /** The uuids in the store's index: of jobs that were archived. */
  async listed(): Promise<string[]> {
    const keys = await objectKeys(this.#cluster.client, this.#cluster.bucket, 'index/')
    return keys.flatMap((key) => /[0-9a-f-]{36}(?=-[a-z]+$)/.exec(key)?.[0] ?? [])
  }

  async patchJob(uuid: string, patch: object): Promise<void> {
    await this.within('patch', 'job', `job-${uuid}`, '--type=merge', '-p', JSON.stringify(patch))
  }

  async finalizersOf(uuid: string): Promise<string> {
    return await this.within(
      'get',
      'job',
      `job-${uuid}`,
      '--ignore-not-found',
      '-o',
      'jsonpath={.metadata.finalizers}',
    )
  }

  async applyQuota(hard: Record<string, string>): Promise<void> {
    const quota = {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'quota-of-a-test' },
      spec: { hard },
    }
    await applyManifests(JSON.stringify(quota), '-n', this.#cluster.namespace)
    await eventually(
      async () =>
        expect(
          await this.within('get', 'quota', 'quota-of-a-test', '-o', 'jsonpath={.status.hard}'),
        ).not.toBe(''),
      { within: 30_000 },
    )
  }

  /** A node label that nobody has until this.makeReady(). */
  async unready(): Promise<Record<string, string>> {
    await kubectl('label', 'nodes', '--all', `jobferry.dev/${this.#cluster.namespace}-`)
    return { [`jobferry.dev/${this.#cluster.namespace}`]: 'ready' }
  }

  async makeReady(): Promise<void> {
    await kubectl('label', 'nodes', '--all', '--overwrite', `jobferry.dev/${this.#cluster.namespace}=ready`)
  }

  async expectFile(uuid: string): Promise<void> {
    const answer = await fetch(`${this.api.url}/job/${uuid}/result?file=file`)
    expect(answer.status).toBe(200)
    expect(sha256(await answer.bytes())).toBe(sha256(Buffer.from('whole\n')))
  }

  /** The kubelet keeps to the first grace that it was given: foreground deletion gives the pod's own. */
  async forceDeletePods(uuid: string): Promise<void> {
    await this.within('delete', 'pods', '-l', `jobferry.dev/job=${uuid}`, '--grace-period=0', '--force')
  }

  async expectNoObjects(uuid: string): Promise<void> {
    await eventually(
      async () => {
        const left = await this.within('get', 'jobs,pods,secrets,configmaps', '-o', 'name')
        expect(left.split('\n').filter((name) => name.includes(uuid))).toEqual([])
      },
      { within: 60_000, every: 500 },
    )
  }

  /** By the API; nothing of it is left in the store. */
  async remove(uuid: string): Promise<void> {
    expect((await fetch(`${this.api.url}/job/${uuid}`, { method: 'DELETE' })).status).toBe(204)
    await eventually(
      async () => {
        expect(await objectKeys(this.#cluster.client, this.#cluster.bucket, `jobs/${uuid}/`)).toEqual([])
        expect((await fetch(`${this.api.url}/job/${uuid}`)).status).toBe(404)
      },
      { within: 60_000, every: 500 },
    )
  }

  /** By the API server's own log of what the API asked for: no kind of call came again and again. */
  async expectNoHotLoop(): Promise<void> {
    await kubectl('label', 'nodes', '--all', `jobferry.dev/${this.#cluster.namespace}-`)
    if (!process.env.AUDIT_LOG) return
    const calls = await callsOf(given('AUDIT_LOG'), this.#cluster.namespace, 'jobferry')
    const jobs = new Set(calls.flatMap(({ name }) => /^job-.{36}$/.exec(name ?? '')?.[0] ?? []))
    const counts = Map.groupBy(
      calls,
      ({ verb, resource, name }: AuditedCall) => `${verb} ${resource} ${name ?? ''}`,
    )
    const most = [...counts].map(([what, { length }]) => [what, length] as const).sort((a, b) => b[1] - a[1])
    console.info(
      `${calls.length} calls for ${jobs.size} jobs; most often: ${JSON.stringify(most.slice(0, 8))}`,
    )
    for (const [what, count] of most) {
      if (what.includes(' job-')) expect(count, what).toBeLessThan(40)
    }
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
