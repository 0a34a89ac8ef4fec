import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { Api } from '../../../../src/backends/kubernetes/api/api.ts'
import type { KubernetesJob } from '../../../../src/backends/kubernetes/api/objects.ts'
import { StatusError } from '../../../../src/backends/kubernetes/api/status-error.ts'
import { annotations } from '../../../../src/backends/kubernetes/names.ts'
import { observe } from '../../../../src/backends/kubernetes/observation/observe.ts'
import { writeAwaitedJobs } from '../../../../src/backends/kubernetes/operations/await-jobs.ts'
import { repair } from '../../../../src/backends/kubernetes/policies/repair.ts'
import { at, job, ms, uuid } from '../objects.ts'

const [a, b] = [randomUUID(), randomUUID()]
const waitingFor = (...jobs: string[]) => ({
  [annotations.waiting]: JSON.stringify({ jobs, results: [a] }),
})
const suspended = { suspend: true }

it('shows a suspended Job with the annotation as waiting, not as suspended', () => {
  const seen = observe({ job: job({ spec: suspended, annotations: waitingFor(a, b) }), pods: [] })
  expect(seen).toMatchObject({ suspended: false, waiting: { jobs: [a, b], results: [a] } })
})

it.each([
  ['that a client resumed', { suspend: false }, {}],
  ['whose creation is not complete', suspended, { [annotations.creating]: at(1) }],
])('shows a Job %s as one that does not wait', (_, spec, more) => {
  const seen = observe({ job: job({ spec, annotations: { ...waitingFor(a), ...more } }), pods: [] })
  expect(seen).toMatchObject({ suspended: false })
  expect(seen.waiting).toBeUndefined()
})

it('reads an edited annotation as far as it names jobs', () => {
  const annotation = { [annotations.waiting]: JSON.stringify({ jobs: [a, 'x', 3], results: 'all' }) }
  expect(observe({ job: job({ spec: suspended, annotations: annotation }), pods: [] })).toMatchObject({
    waiting: { jobs: [a], results: [] },
  })
})

it('reads an edited annotation as far as it names attempts, and one of before without any', () => {
  const waitingIn = (more: object) => {
    const annotation = { [annotations.waiting]: JSON.stringify({ jobs: [b], results: [a], ...more }) }
    return observe({ job: job({ spec: suspended, annotations: annotation }), pods: [] }).waiting
  }
  expect(waitingIn({ attempts: { [a]: 'one', [b]: null, x: 'two', [uuid]: 3 } })).toEqual({
    ...{ jobs: [b], results: [a], attempts: { [a]: 'one', [b]: null } },
  })
  expect(waitingIn({ attempts: 'all' })).toEqual({ jobs: [b], results: [a] })
  expect(waitingIn({})).toEqual({ jobs: [b], results: [a] })
})

it('leaves a Job that waits for days as it is', () => {
  const seen = { uuid, job: job({ spec: suspended, annotations: waitingFor(a) }), agains: [], pods: [] }
  expect(repair({ ...seen, unlabelled: false }, ms(999_999))).toBeUndefined()
})

it('writes down the jobs that are left, and resumes the Job when none is', async () => {
  const cluster = new OneJob(job({ spec: suspended, annotations: waitingFor(a, b) }))
  await writeAwaitedJobs(cluster.api, uuid, [b], { [a]: 'its-attempt' })
  expect(observe({ job: cluster.job, pods: [] })).toMatchObject({
    waiting: { jobs: [b], results: [a], attempts: { [a]: 'its-attempt' } },
  })
  await writeAwaitedJobs(cluster.api, uuid, [])
  const seen = observe({ job: cluster.job, pods: [] })
  expect(cluster.job.spec?.suspend).toBe(false)
  expect(seen.waiting).toBeUndefined()
  expect(Math.abs((seen.begunAt ?? 0) - Date.now())).toBeLessThan(60_000)
})

it('repeats after a change by another client, and resumes no Job that was stopped meanwhile', async () => {
  const cluster = new OneJob(job({ spec: suspended, annotations: waitingFor(a) }))
  const stop = { outcome: 'canceled', cause: { reason: 'Canceled', message: '' }, at: ms(9) }
  cluster.before = () => cluster.change({ annotations: { [annotations.stop]: JSON.stringify(stop) } })
  await writeAwaitedJobs(cluster.api, uuid, [])
  expect(cluster.job.spec?.suspend).toBe(true)
})

it('leaves a Job alone that a client suspended after it had begun', async () => {
  const begun = job({ spec: suspended, annotations: { [annotations.begun]: at(5) } })
  const cluster = new OneJob(begun)
  await writeAwaitedJobs(cluster.api, uuid, [])
  expect(cluster.job).toBe(begun)
  expect(observe({ job: begun, pods: [] })).toMatchObject({ suspended: true, begunAt: ms(5) })
})

/** A cluster with one Job, which refuses a patch of an older version of it. */
class OneJob {
  job: KubernetesJob
  /** Called once before the next patch. */
  before: (() => void) | undefined

  constructor(only: KubernetesJob) {
    this.job = only
  }

  get api(): Api {
    const jobs = {
      get: async () => this.job,
      merge: async (_: string, { metadata, spec }: KubernetesJob) => {
        const { before } = this
        this.before = undefined
        before?.()
        if (metadata?.resourceVersion !== this.job.metadata?.resourceVersion) {
          throw new StatusError(409, 'another version', { reason: 'Conflict' })
        }
        this.change({ annotations: metadata?.annotations ?? {}, ...(spec && { spec }) })
        return this.job
      },
    }
    return { jobs } as unknown as Api
  }

  change({ annotations: more, spec }: { annotations: Record<string, string>; spec?: object }): void {
    const all = { ...this.job.metadata?.annotations, ...more }
    const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null))
    const resourceVersion = `${Number(this.job.metadata?.resourceVersion) + 1}`
    const metadata = { ...this.job.metadata, resourceVersion, annotations: kept }
    this.job = {
      ...this.job,
      metadata,
      spec: { ...this.job.spec, ...spec } as NonNullable<KubernetesJob['spec']>,
    }
  }
}
