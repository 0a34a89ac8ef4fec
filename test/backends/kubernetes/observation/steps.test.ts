import { describe, expect, it } from 'vitest'
import type { Pod } from '../../../../src/backends/kubernetes/api/objects.ts'
import { annotations } from '../../../../src/backends/kubernetes/names.ts'
import { observe } from '../../../../src/backends/kubernetes/observation/observe.ts'
import { settlingTime } from '../../../../src/backends/kubernetes/operations/logs.ts'
import { assess } from '../../../../src/job/state/state.ts'
import { at, job, ms, running, seen, terminated, waiting } from '../objects.ts'
import { answerOf, failed, head, observed, podOf } from './step-pods.ts'

describe('a pod with steps', () => {
  it.each<[string, Pod, object]>([
    [
      'waits for its first step',
      podOf([]),
      { state: 'preparing', steps: ['waiting null', 'waiting null', 'waiting null'] },
    ],
    [
      'runs from the start of its first step on',
      podOf([running(4)]),
      { state: 'running', steps: ['running null', 'waiting null', 'waiting null'] },
    ],
    [
      'runs between two steps',
      podOf([terminated(0, 4, 9)]),
      {
        state: 'running',
        reason: undefined,
        exit: undefined,
        steps: ['succeeded 0', 'waiting null', 'waiting null'],
      },
    ],
    [
      'runs while its last step runs',
      podOf([terminated(0, 4, 9), terminated(0, 10, 12), running(13)], { status: { phase: 'Running' } }),
      { state: 'running', steps: ['succeeded 0', 'succeeded 0', 'running null'] },
    ],
    [
      'runs where a step ended within the second of the one before',
      podOf([terminated(0, 4, 4), terminated(0, 4, 4)]),
      { state: 'running', steps: ['succeeded 0', 'succeeded 0', 'waiting null'] },
    ],
    [
      'succeeds with its last step',
      podOf([terminated(0, 4, 9), terminated(0, 10, 12), terminated(0, 13, 14)]),
      {
        state: 'succeeded',
        result: 'complete',
        exit: 0,
        steps: ['succeeded 0', 'succeeded 0', 'succeeded 0'],
      },
    ],
    [
      'fails with a step, which the message names',
      podOf([terminated(0, 4, 9), terminated(3, 10, 12)], failed),
      {
        ...{ state: 'failed', reason: 'Error', result: 'partial', exit: 3 },
        message: 'the step `compute` exited with code 3; see its log',
        steps: ['succeeded 0', 'failed 3', 'skipped null'],
      },
    ],
    [
      'fails with its first step',
      podOf([terminated(1, 4, 9)], failed),
      { state: 'failed', exit: 1, steps: ['failed 1', 'skipped null', 'skipped null'] },
    ],
    [
      'fails with the memory of a step',
      podOf([terminated(0, 4, 9), terminated(137, 10, 12, { reason: 'OOMKilled' })], failed),
      {
        ...{ state: 'failed', reason: 'OOMKilled', exit: 137 },
        message: 'the step `compute` used more memory than it may have; ask for more with `memory`',
      },
    ],
    [
      'goes on after a failure that is ignored, and has its exit code',
      podOf([terminated(0, 4, 9, { message: '{"exit_code":9}\n' }), running(10)]),
      { state: 'running', steps: ['failed 9', 'running null', 'waiting null'] },
    ],
    [
      'shows the image that a later step lacks',
      podOf([terminated(0, 4, 9), waiting('ImagePullBackOff', 'not found')]),
      {
        ...{ state: 'running', reason: 'ImagePullBackOff' },
        message: "the step `compute`'s image step-compute:1: not found",
        steps: ['succeeded 0', 'waiting null', 'waiting null'],
      },
    ],
  ])('%s', (_, one, expected) => {
    expect(answerOf(one)).toMatchObject(expected)
  })

  it('has the times of all its steps', () => {
    const one = podOf([terminated(0, 4, 9), terminated(0, 10, 12), terminated(0, 13, 14)])
    expect(observed(one).attempt).toMatchObject({
      worker: { startedAt: ms(4), finishedAt: ms(14), exitCode: 0, step: 'organize' },
      steps: [
        { name: 'stage', startedAt: ms(4), finishedAt: ms(9), exitCode: 0 },
        { name: 'compute', startedAt: ms(10), finishedAt: ms(12), exitCode: 0 },
        { name: 'organize', startedAt: ms(13), finishedAt: ms(14), exitCode: 0 },
      ],
    })
  })

  it('has not ended while a later step is to come', () => {
    const between = podOf([terminated(0, 4, 9)])
    expect(observed(between).ended).toBeUndefined()
    const last = podOf([terminated(0, 4, 9), terminated(0, 10, 12), terminated(0, 13, 14)])
    expect(observed(last).ended).toEqual({ at: ms(14) })
  })

  it('skips what follows a failed step while its results are stored', () => {
    const one = podOf([terminated(1, 4, 9)])
    expect(answerOf(one, undefined)).toMatchObject({
      state: 'storing',
      steps: ['failed 1', 'skipped null', 'skipped null'],
    })
  })
})

describe('a pod that is deleted during a step', () => {
  const deleted = { deletionTimestamp: at(40), deletionGracePeriodSeconds: 30 }

  it('is interrupted, whatever the exit code of the step, which counts once the pod has ended', () => {
    const during = podOf([running(4)], { metadata: deleted })
    expect(answerOf(during)).toMatchObject({ state: 'running', reason: 'PodDeleted', exit: undefined })
    for (const code of [0, 143]) {
      const ended = podOf([terminated(code, 4, 12)], { metadata: deleted, ...failed })
      const { state, reason, steps, result } = answerOf(ended)
      expect({ state, reason, result }).toEqual({ state: 'failed', reason: 'PodDeleted', result: 'partial' })
      expect(steps[0]).toBe(code === 0 ? 'succeeded 0' : 'failed 143')
    }
  })

  it('is interrupted if it vanished between two steps', () => {
    const one = podOf([terminated(0, 4, 9)])
    const { attempt } = observe({ job: job(), pods: [seen(one, ms(11))] })
    expect(attempt).toMatchObject({ ended: true, interrupted: { reason: 'PodDeleted' } })
  })

  it('is stopped as the API has decided', () => {
    const stop = {
      outcome: 'canceled',
      cause: { reason: 'Canceled', message: 'by request' },
      at: ms(10),
    } as const
    const one = podOf([terminated(143, 4, 11)], { metadata: deleted, ...failed })
    const observation = observe({
      job: job({ annotations: { [annotations.stop]: JSON.stringify(stop) } }),
      pods: [seen(one)],
    })
    expect(assess(observation, head, 0)).toMatchObject({ state: 'canceled', result: { state: 'partial' } })
  })
})

describe('the log', () => {
  it('of a step that has just ended waits for its last lines', () => {
    const one = podOf([terminated(0, 4, 9), running(10)])
    const worker = { container: 'worker' as const }
    expect(settlingTime(one, { ...worker, step: 'stage' }, ms(9))).toBe(2000)
    // Without a name it is that of the step that started last.
    expect(settlingTime(one, worker, ms(9))).toBe(0)
    expect(settlingTime(one, { ...worker, step: 'organize' }, ms(9))).toBe(0)
  })
})
