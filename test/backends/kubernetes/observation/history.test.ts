import { describe, expect, it } from 'vitest'
import { annotations } from '../../../../src/backends/kubernetes/names.ts'
import { observe } from '../../../../src/backends/kubernetes/observation/observe.ts'
import type { CachedPod } from '../../../../src/backends/kubernetes/observation/pod-state.ts'
import { type HistorySource, historyOf } from '../../../../src/job/history/history.ts'
import { usageOf } from '../../../../src/job/history/usage.ts'
import type { Stored } from '../../../../src/job/state/observation.ts'
import { assess } from '../../../../src/job/state/state.ts'
import { at, job, ms, pod, running, seen, terminated } from '../objects.ts'
import { podOf } from './step-pods.ts'

const since = (type: string, seconds: number, more: object = {}) => ({
  type,
  status: 'True',
  lastTransitionTime: at(seconds),
  ...more,
})
const imageID = 'docker.io/library/busybox@sha256:0123'

/** A pod that got its node after 2 s, was ready after 5 s, ran from 8 s to 20 s and stored until 23 s. */
function whole(
  exitCode: number,
  name = 'pod-1',
  more: { from?: number; conditions?: object[] } = {},
): CachedPod {
  const { from = 0, conditions = [] } = more
  const all = [since('PodScheduled', from + 2), since('Initialized', from + 5), ...conditions]
  return seen(
    pod({
      metadata: { name, uid: name, creationTimestamp: at(from + 1) },
      nodeName: 'node-a',
      uploader: terminated(0, from + 4, from + 23),
      worker: { imageID, ...terminated(exitCode, from + 8, from + 20) },
      status: { phase: exitCode === 0 ? 'Succeeded' : 'Failed', conditions: all as never },
    }),
  )
}

function stored(attempt: string, seconds: number): Stored {
  return {
    ...{ version: 1, job: 'j', attempt, count: 3, bytes: 700, errors: 0, scan_started_at: at(seconds - 2) },
    stored_at: at(seconds),
    prepared: { started_at: at(4), ready_at: at(6), input_bytes: 12 },
  }
}

function sourceOf(one: ReturnType<typeof job>, pods: CachedPod[], head?: Stored, retries = 0): HistorySource {
  const observation = observe({ job: one, pods })
  const { state, cause, result } = assess(observation, head, retries)
  const { uid, number } = observation.attempt ?? {}
  const attempt = uid === undefined || number === undefined ? null : { uid, number }
  return { observation, stored: head, job: { state, reason: cause?.reason ?? null, attempt, result } }
}

const shown = (source: HistorySource) =>
  historyOf(source).map(({ state, time, attempt, reason, step }) =>
    [state, (Date.parse(time) - ms(0)) / 1000, attempt, reason, step]
      .filter((part) => part != null)
      .join(' '),
  )

const complete = { status: { succeeded: 1, conditions: [since('Complete', 25)] } }

describe('the history of a job on a cluster', () => {
  it('has the times of conditions and containers, and the usage what they say', () => {
    const source = sourceOf(job(complete), [whole(0)], stored('pod-1', 22))
    expect(shown(source)).toEqual([
      'queued 0',
      'preparing 2 1',
      'running 8 1',
      'storing 20 1',
      'succeeded 22 1',
    ])
    expect(usageOf(source)).toEqual({
      ...{
        queued_seconds: 2,
        pulling_seconds: 5,
        fetching_seconds: 1,
        running_seconds: 12,
        storing_seconds: 2,
      },
      ...{ input_bytes: 12, output_bytes: 700, node: 'node-a', images: [imageID] },
      ...{ peak_memory_bytes: null, cpu_seconds: null },
    })
  })

  it('has an attempt that failed by itself while its pod is there', () => {
    const running2 = seen(
      pod({
        metadata: { name: 'pod-2', uid: 'pod-2', creationTimestamp: at(31) },
        nodeName: 'node-b',
        uploader: { started: true, ...running(33) },
        worker: running(36),
        status: { phase: 'Running', conditions: [since('PodScheduled', 32)] as never },
      }),
    )
    const retried = job({ spec: { backoffLimit: 1 }, status: { failed: 1 } })
    const all = sourceOf(retried, [whole(3), running2], undefined, 1)
    expect(shown(all)).toEqual([
      ...['queued 0', 'preparing 2 1', 'running 8 1', 'storing 20 1', 'queued 23 1 Error'],
      ...['preparing 32 2', 'running 36 2'],
    ])
    expect(shown(sourceOf(retried, [whole(3)], stored('pod-1', 22), 1)).at(-1)).toBe('queued 23 1 Error')
  })

  it('has a disrupted attempt from its pod, and once that is gone from the Job', () => {
    const target = since('DisruptionTarget', 15, { reason: 'EvictionByEvictionAPI', message: 'drained' })
    const drained = whole(143, 'pod-1', { conditions: [target] })
    expect(shown(sourceOf(job(), [drained], stored('pod-1', 22)))).toEqual([
      ...['queued 0', 'preparing 2 1', 'running 8 1', 'storing 20 1', 'queued 23 1 Evicted'],
    ])
    const cause = { reason: 'Evicted', message: 'drained' }
    const record = [{ attempt: 'pod-1', number: 1, started: true, at: ms(15), ...cause }]
    const annotated = job({ ...complete, annotations: { [annotations.disruptions]: JSON.stringify(record) } })
    const second = whole(0, 'pod-2', { from: 30 })
    expect(shown(sourceOf(annotated, [second], stored('pod-2', 52)))).toEqual([
      ...['queued 0', 'queued 15 1 Evicted', 'preparing 32 2', 'running 38 2', 'storing 50 2'],
      'succeeded 52 2',
    ])
  })

  it('has the start of each step, and the step that failed', () => {
    const one = podOf([terminated(0, 5, 9), terminated(7, 10, 14)], {
      status: { phase: 'Failed', conditions: [since('PodScheduled', 2)] as never },
      uploader: terminated(0, 3, 16),
    })
    expect(shown(sourceOf(job(), [seen(one)], 'none'))).toEqual([
      ...['queued 0', 'preparing 2 1', 'running 5 1 stage', 'running 10 1 compute', 'storing 14 1'],
      'failed 16 1 Error compute',
    ])
  })

  it('of a job that never had a pod ends with its Job', () => {
    const stop = { outcome: 'failed', cause: { reason: 'StartTimeout', message: '' }, at: ms(60) }
    const stopped = job({ annotations: { [annotations.stop]: JSON.stringify(stop) } })
    const source = sourceOf({ ...stopped, status: { conditions: [since('Failed', 61)] } }, [], 'none')
    const found = { ...source, observation: { ...source.observation, incomplete: false } }
    expect(shown({ ...found, job: { ...found.job, state: 'failed', reason: 'StartTimeout' } })).toEqual([
      ...['queued 0', 'failed 61 StartTimeout'],
    ])
  })
})
