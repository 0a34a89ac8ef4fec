import { expect, it } from 'vitest'
import type { Api } from '../../../../src/backends/kubernetes/api/api.ts'
import type { KubernetesJob } from '../../../../src/backends/kubernetes/api/objects.ts'
import { StatusError } from '../../../../src/backends/kubernetes/api/status-error.ts'
import type { Again } from '../../../../src/backends/kubernetes/job-metadata.ts'
import { againName, annotations, finalizer, jobName } from '../../../../src/backends/kubernetes/names.ts'
import { runAgain } from '../../../../src/backends/kubernetes/operations/again.ts'
import { discardJob, releaseJob } from '../../../../src/backends/kubernetes/operations/release.ts'
import { stopJob } from '../../../../src/backends/kubernetes/operations/stop.ts'
import { at, job, ms, uuid } from '../objects.ts'

const second: Again = { number: 1, retries: 2 }
const name = againName(uuid, 1)
const owned = (more: Parameters<typeof job>[0] = {}) =>
  job({ ...more, metadata: { finalizers: [finalizer], ...more.metadata } })
const canceled = { outcome: 'canceled', cause: { reason: 'Canceled', message: '' }, at: ms(9) } as const

it('makes a Job of the same pods, owned by the first and without the labels of its controller', async () => {
  const first = owned()
  const labels = {
    'jobferry.dev/job': uuid,
    'batch.kubernetes.io/controller-uid': 'job-uid',
    'job-name': 'x',
  }
  const containers = [{ name: 'worker', image: 'busybox' }]
  first.spec = { ...first.spec, completions: 1, template: { metadata: { labels }, spec: { containers } } }
  const cluster = new Cluster(first)
  await runAgain(cluster.api, first, second)
  expect(cluster.jobs.get(name)).toMatchObject({
    metadata: {
      annotations: { [annotations.firstJob]: 'job-uid' },
      finalizers: [finalizer],
      ownerReferences: [{ name: jobName(uuid), uid: 'job-uid' }],
    },
    spec: {
      backoffLimit: 2,
      completions: 1,
      template: { metadata: { labels: { 'jobferry.dev/job': uuid } }, spec: { containers } },
    },
  })
  expect(cluster.jobs.get(name)?.spec?.template.metadata?.labels).toEqual({ 'jobferry.dev/job': uuid })
})

it('makes one Job, whichever of its requests is the last before the process ends', async () => {
  for (let last = 0; last < 6; last += 1) {
    const cluster = new Cluster(owned())
    cluster.left = last
    await runAgain(cluster.api, owned(), second).catch(() => undefined)
    cluster.left = Number.POSITIVE_INFINITY
    await runAgain(cluster.api, owned(), second)
    expect([...cluster.jobs.keys()]).toEqual([jobName(uuid), name])
    expect(cluster.jobs.get(jobName(uuid))?.metadata?.annotations?.[annotations.again]).toBe(
      JSON.stringify(second),
    )
  }
})

it.each([
  ['stopped', { annotations: { [annotations.stop]: JSON.stringify(canceled) } }],
  ['archived', { annotations: { [annotations.archived]: at(9) } }],
  ['deleted', { metadata: { deletionTimestamp: at(9) } }],
])('makes none for a job that was %s meanwhile', async (_, more) => {
  const cluster = new Cluster(owned(more))
  expect(await runAgain(cluster.api, owned(), second)).toEqual([])
  expect([...cluster.jobs.keys()]).toEqual([jobName(uuid)])
})

it('replaces a Job of that name which a deleted job of the same uuid left', async () => {
  const cluster = new Cluster(owned())
  cluster.jobs.set(
    name,
    owned({ metadata: { name, uid: 'old' }, annotations: { [annotations.firstJob]: 'old-first' } }),
  )
  await expect(runAgain(cluster.api, owned(), second)).rejects.toThrow('exists')
  await runAgain(cluster.api, owned(), second)
  expect(cluster.jobs.get(name)?.metadata?.annotations?.[annotations.firstJob]).toBe('job-uid')
})

it('ends every Job of a job that is stopped, after their pods', async () => {
  const cluster = await withSecond()
  await stopJob(cluster.api, uuid, canceled)
  expect(cluster.log.filter((line) => /pods|remove/.test(line))).toEqual([
    'list pods batch.kubernetes.io/controller-uid in (job-uid,uid-1)',
    `remove ${name}`,
    `remove ${jobName(uuid)}`,
  ])
  expect(cluster.jobs.get(name)?.spec?.backoffLimit).toBe(0)
})

it('lets a further Job of a kept job go only once the first is archived', async () => {
  const cluster = await withSecond()
  cluster.log.length = 0
  await releaseJob(cluster.api, uuid, 60)
  expect(cluster.log.filter((line) => line.startsWith('merge'))).toEqual([
    `merge ${jobName(uuid)}`,
    `merge ${name}`,
  ])
  expect(cluster.jobs.get(name)?.metadata?.finalizers).toEqual([])
})

it.each([
  ['deleted', (api: Api) => releaseJob(api, uuid, 60)],
  ['discarded', (api: Api) => discardJob(api, uuid)],
])('removes the further Jobs of a %s job before the first may vanish', async (_, body) => {
  const cluster = await withSecond()
  const first = cluster.jobs.get(jobName(uuid)) as KubernetesJob
  first.metadata = { ...first.metadata, deletionTimestamp: at(9) }
  cluster.log.length = 0
  await body(cluster.api)
  const writes = cluster.log.filter((line) => /^(merge|remove)/.test(line))
  expect(writes.slice(0, 2)).toEqual([`remove ${name}`, `merge ${name}`])
  expect(cluster.jobs.has(name)).toBe(false)
})

async function withSecond(): Promise<Cluster> {
  const cluster = new Cluster(owned())
  await runAgain(cluster.api, owned(), second)
  cluster.log.length = 0
  return cluster
}

/** Jobs as the API server keeps them: versions, finalizers, merges of metadata and spec. */
class Cluster {
  readonly jobs = new Map<string, KubernetesJob>()
  readonly log: string[] = []
  /** The number of further requests that are answered. */
  left = Number.POSITIVE_INFINITY
  #version = 100

  constructor(first: KubernetesJob) {
    this.jobs.set(jobName(uuid), first)
  }

  get api(): Api {
    const others = {
      list: async ({ labelSelector = '' } = {}) => {
        this.#note(`list pods ${labelSelector}`)
        return { metadata: {}, items: [] }
      },
      remove: async () => true,
    }
    return { jobs: this.#jobsApi(), pods: others, secrets: others, configMaps: others } as unknown as Api
  }

  #jobsApi() {
    return {
      get: async (name: string) => {
        this.#note(`get ${name}`)
        return structuredClone(this.jobs.get(name))
      },
      create: async (object: KubernetesJob) => {
        const name = object.metadata?.name ?? ''
        this.#note(`create ${name}`)
        if (this.jobs.has(name)) throw conflict('AlreadyExists')
        const number = this.jobs.size
        return this.#put(name, { ...object, metadata: { ...object.metadata, uid: `uid-${number}` } })
      },
      merge: async (name: string, { metadata = {}, spec }: KubernetesJob) => {
        this.#note(`merge ${name}`)
        const there = this.jobs.get(name) as KubernetesJob
        const { resourceVersion = there.metadata?.resourceVersion } = metadata
        if (resourceVersion !== there.metadata?.resourceVersion) throw conflict('Conflict')
        const annotated = { ...there.metadata?.annotations, ...metadata.annotations }
        return this.#put(name, {
          ...there,
          metadata: { ...there.metadata, ...metadata, annotations: annotated },
          spec: { ...there.spec, ...spec } as NonNullable<KubernetesJob['spec']>,
        })
      },
      remove: async (name: string) => {
        this.#note(`remove ${name}`)
        const there = this.jobs.get(name)
        if (there === undefined) return false
        this.#put(name, { ...there, metadata: { ...there.metadata, deletionTimestamp: at(50) } })
        return true
      },
    }
  }

  #put(name: string, object: KubernetesJob): KubernetesJob {
    this.#version += 1
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } }
    const { deletionTimestamp, finalizers = [] } = stored.metadata
    if (deletionTimestamp !== undefined && finalizers.length === 0) this.jobs.delete(name)
    else this.jobs.set(name, stored)
    return structuredClone(stored)
  }

  #note(line: string): void {
    if (this.left <= 0) throw new Error('the process has ended')
    this.left -= 1
    this.log.push(line)
  }
}

function conflict(reason: string): StatusError {
  return new StatusError(409, 'exists', { reason })
}
