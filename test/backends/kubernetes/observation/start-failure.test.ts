import { describe, expect, it } from 'vitest'
import type { KubernetesJob, Pod } from '../../../../src/backends/kubernetes/api/objects.ts'
import { prunePod } from '../../../../src/backends/kubernetes/cache/prune-objects.ts'
import { annotations } from '../../../../src/backends/kubernetes/names.ts'
import { observe } from '../../../../src/backends/kubernetes/observation/observe.ts'
import { startFailure } from '../../../../src/backends/kubernetes/observation/start-failure.ts'
import { assess } from '../../../../src/job/state/state.ts'
import { at, job, pod, running, seen, terminated } from '../objects.ts'
import { clusterRequest } from '../request.ts'
import { head, podOf } from './step-pods.ts'

const killed = 'failed to create containerd task: failed to start shim: start failed: signal: killed: unknown'
const misspelt = 'runc create failed: exec: "pyhton": executable file not found in $PATH: unknown'
const containerds = { reason: 'StartError', startedAt: '1970-01-01T00:00:00Z' }

/** Pod number `n`, whose worker did not start. */
function broken(n: number, message: string, more: Parameters<typeof pod>[0] = {}): Pod {
  return pod({
    metadata: { name: `pod-${n}`, uid: `pod-${n}`, creationTimestamp: at(20 * n) },
    uploader: terminated(0, 20 * n + 2, 20 * n + 8),
    worker: terminated(128, 0, 20 * n + 6, { ...containerds, message }),
    status: { phase: 'Failed' },
    ...more,
  })
}

function failedJob(failed: number, retries = 0): KubernetesJob {
  const condition = { type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }
  return job({
    spec: { backoffLimit: retries },
    status: { failed, conditions: [{ ...condition, lastTransitionTime: at(100) }] },
    annotations: { [annotations.request]: JSON.stringify(clusterRequest('', { retries })) },
  })
}

describe('a worker that the machine did not start', () => {
  it('awaits another attempt, though its Job has failed', () => {
    const seenNow = { job: failedJob(1), pods: [seen(broken(1, killed))] }
    const observation = observe(seenNow)
    expect(observation).toMatchObject({
      failedAttempts: 0,
      disruptions: [{ attempt: 'pod-1', number: 1, started: false, counted: true, reason: 'Interrupted' }],
    })
    expect(observation.ended).toBeUndefined()
    const { state, cause } = assess(observation, undefined, 0)
    expect(state).toBe('queued')
    expect(cause).toEqual({
      reason: 'Interrupted',
      message: expect.stringMatching(/signal: killed.*attempt 2 follows/),
    })
  })

  it('awaits it too while the Job shows its failure not yet', () => {
    const early = job({ status: { failed: 0 } })
    expect(assess(observe({ job: early, pods: [seen(broken(1, killed))] }), undefined, 0).state).toBe(
      'queued',
    )
  })

  it('awaits it too while the uploader has stored what its earlier steps left, and still runs', () => {
    const notStarted = terminated(128, 0, 6, { ...containerds, message: killed })
    const one = podOf([terminated(0, 3, 5), notStarted])
    const observation = observe({ job: job(), pods: [seen(one)] })
    expect(observation.attempt?.ended).toBe(false)
    const { state, cause } = assess(observation, head, 0)
    expect(state).toBe('queued')
    expect(cause?.message).toMatch(/step `compute`.*signal: killed.*attempt 2 follows/)
  })

  it('does not use up a retry', () => {
    const own = pod({
      metadata: { name: 'pod-2', uid: 'pod-2', creationTimestamp: at(40) },
      worker: terminated(1, 44, 49),
      status: { phase: 'Failed' },
    })
    const pods = [seen(broken(1, killed)), seen(own)]
    expect(observe({ job: failedJob(2, 1), pods })).toMatchObject({ failedAttempts: 1 })
    expect(observe({ job: failedJob(2, 1), pods }).ended).toBeUndefined()
    expect(observe({ job: failedJob(2, 0), pods }).ended).toBeDefined()
  })

  it('ends the job as TooManyDisruptions after the third further attempt', () => {
    const pods = [1, 2, 3, 4].map((n) => seen(broken(n, killed)))
    const { state, cause } = assess(observe({ job: failedJob(4), pods }), undefined, 0)
    expect([state, cause?.reason]).toEqual(['failed', 'TooManyDisruptions'])
    expect(cause?.message).toContain('signal: killed')
  })

  it('is still known by the record on the Job once its pod is gone', () => {
    const one = { attempt: 'pod-1', number: 1, started: false, counted: true, at: 1, reason: 'Interrupted' }
    const marks = { [annotations.disruptions]: JSON.stringify([{ ...one, message: 'x' }]) }
    const failed = failedJob(1)
    const recorded = job({ status: failed.status ?? {}, annotations: marks })
    const next = pod({ metadata: { uid: 'pod-2', creationTimestamp: at(90) }, worker: running(95) })
    expect(observe({ job: recorded, pods: [] }).ended).toBeUndefined()
    expect(observe({ job: recorded, pods: [seen(next)] }).attempt?.number).toBe(2)
  })

  it('stays one where its pod, once recorded, is taken for a disrupted one later', () => {
    const conditions = [{ type: 'DisruptionTarget', status: 'True', lastTransitionTime: at(200) }]
    const first = observe({ job: failedJob(1), pods: [seen(broken(1, killed))] }).disruptions
    const marks = { [annotations.disruptions]: JSON.stringify(first) }
    const later = broken(1, killed, {
      ...{
        metadata: { uid: 'pod-1', creationTimestamp: at(20) },
        worker: terminated(128, 0, 26, containerds),
      },
      status: { phase: 'Failed', conditions },
    })
    const recorded = job({ status: failedJob(1).status ?? {}, annotations: marks })
    expect(observe({ job: recorded, pods: [seen(later)] })).toMatchObject({ failedAttempts: 0 })
  })

  it('is not the machine’s where another client’s deletion of the pod broke the start off', () => {
    const deleted = { deletionTimestamp: at(30), deletionGracePeriodSeconds: 5, uid: 'pod-1' }
    const one = broken(1, 'context canceled', { metadata: { ...deleted, creationTimestamp: at(20) } })
    const observation = observe({ job: job(), pods: [seen(one)] })
    expect(observation.disruptions).toBeUndefined()
    expect(observation.attempt?.interrupted?.reason).toBe('PodDeleted')
  })
})

it('fails at once, and with the runtime’s text, for a command that is not there', () => {
  const observation = observe({ job: failedJob(1), pods: [seen(broken(1, misspelt))] })
  expect(observation.disruptions).toBeUndefined()
  const { state, cause } = assess(observation, undefined, 0)
  expect([state, cause?.reason]).toEqual(['failed', 'Error'])
  expect(cause?.message).toContain('"pyhton": executable file not found')
})

it.each([
  ['a pod that its node has no room for', { phase: 'Failed', reason: 'OutOfcpu' }, {}, true],
  ['a pod that its node does not allow', { phase: 'Failed', reason: 'SysctlForbidden' }, {}, false],
  ['a refused pod whose uploader ran before', { phase: 'Failed', reason: 'OutOfcpu' }, running(4), false],
])('tells the machine’s refusals from others: %s', (_, status, uploader, expected) => {
  expect(startFailure(pod({ uploader, status })) !== undefined).toBe(expected)
})

it('does not take a worker that has run for one that did not start', () => {
  const ran = terminated(128, 4, 9, { reason: 'StartError', message: killed })
  expect(startFailure(pod({ worker: ran, status: { phase: 'Failed' } }))).toBeUndefined()
})

it('is told from a wrong command by the command in the spec, which the cache keeps', () => {
  const worker = { name: 'worker', image: 'python', command: ['$$HOME/run', '--fast'], env: [{ name: 'A' }] }
  const failed = (program: string) => {
    const message = `exec: "${program}": executable file not found in $PATH: unknown`
    return prunePod({ ...broken(1, message), spec: { containers: [worker] } })
  }
  expect(failed('vendors-hook').spec?.containers).toEqual([{ name: 'worker', command: ['$$HOME/run'] }])
  expect(startFailure(failed('vendors-hook'))).toMatchObject({ reason: 'Interrupted' })
  expect(observe({ job: job(), pods: [seen(failed('vendors-hook'))] }).attempt?.worker).not.toHaveProperty(
    'exitCode',
  )
  expect(startFailure(failed('$HOME/run'))).toBeUndefined()
})
