import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { Job, State } from '../../../src/job/job.ts'
import {
  type ApiOnCluster,
  type ApiOnClusterOptions,
  apiOnCluster,
} from '../../support/api/api-on-cluster.ts'
import type { ApiProcess } from '../../support/api/api-process.ts'
import { getJson, postJson } from '../../support/api/http.ts'
import { busybox } from '../../support/api/on-cluster.ts'
import { type AuditedCall, callsOf } from '../../support/cluster/audit.ts'
import { applyManifests, kubectl } from '../../support/cluster/cluster.ts'
import { given } from '../../support/cluster/test-run.ts'
import { objectKeys } from '../../support/store/bucket.ts'
import { eventually } from '../../support/time/eventually.ts'

/** A worker that ends at once on SIGTERM. */
export const obedient =
  'trap "exit 143" TERM; echo whole > $RESULT_DIRECTORY/file; while :; do sleep 0.2; done'
/** A worker that ignores SIGTERM, as `sh` does as process 1. */
export const deaf = 'echo whole > $RESULT_DIRECTORY/file; sleep 600'

/** Starts an API in a new namespace, whose objects the test changes with kubectl. */
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

  /** Checks the API's calls for a hot loop, then removes jobs, API, namespace and bucket. */
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

  /** The uuids of the archived jobs, from the store's index. */
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

  /** A node selector that matches no node until makeReady(). */
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

  /**
   * For foreground deletions: they give the pod's own grace, and
   * the kubelet keeps the first it gets.
   */
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

  /** Deletes the job through the API and waits until the store has none of its objects. */
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

  /** Expects under 40 calls of one kind for one job, from the API server's audit log. */
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
