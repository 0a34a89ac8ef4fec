import { describe, expect, it } from 'vitest'
import type { ContainerStatus, Pod } from '../../../../src/backends/kubernetes/api/objects.ts'
import { prunePod } from '../../../../src/backends/kubernetes/cache/prune-objects.ts'
import { annotations } from '../../../../src/backends/kubernetes/names.ts'
import { observe } from '../../../../src/backends/kubernetes/observation/observe.ts'
import { settlingTime } from '../../../../src/backends/kubernetes/operations/logs.ts'
import { nextDeadline } from '../../../../src/job/state/deadlines.ts'
import { assess } from '../../../../src/job/state/state.ts'
import { stepAnswers } from '../../../../src/job/steps/step-states.ts'
import type { ManifestHead } from '../../../../src/result-format/manifest/manifest.ts'
import { at, job, ms, pod, running, seen, terminated, waiting } from '../objects.ts'

const uploading = { started: true, ...running(2) }
const initializing = waiting('PodInitializing')

/** A pod of the steps stage, compute and organize, as a watch shows it. */
function podOf(
  statuses: Partial<ContainerStatus>[],
  more: Parameters<typeof pod>[0] = {},
  command?: string[],
): Pod {
  const [stage = initializing, compute = initializing, organize = initializing] = statuses
  const full = (name: string, given: Partial<ContainerStatus>) =>
    ({ name, image: `${name}:1`, imageID: '', ready: false, restartCount: 0, ...given }) as ContainerStatus
  const base = pod({ nodeName: 'node', uploader: uploading, ...more })
  const program = (name: string) => ({ name, image: 'x', ...(command && { command }) })
  return prunePod({
    ...base,
    metadata: { ...base.metadata, annotations: { [annotations.lastStep]: 'organize' } },
    spec: {
      nodeName: 'node',
      initContainers: ['uploader', 'step-stage', 'step-compute'].map(program),
      containers: [program('worker')],
    },
    status: {
      phase: 'Pending',
      ...more.status,
      initContainerStatuses: [
        full('uploader', more.uploader ?? uploading),
        full('step-stage', stage),
        full('step-compute', compute),
      ],
      containerStatuses: [full('worker', organize)],
    },
  })
}

const names = ['stage', 'compute', 'organize']
const failed = { status: { phase: 'Failed' } }
const observed = (one: Pod) => observe({ job: job(), pods: [seen(one)] })

const head: ManifestHead = {
  ...{ version: 1, job: 'j', attempt: 'pod-1', count: 1, bytes: 1, errors: 0 },
  scan_started_at: at(60),
}

function answerOf(one: Pod, stored: ManifestHead | 'none' | undefined = head) {
  const observation = observed(one)
  const { state, cause, result } = assess(observation, stored, 0)
  const over = ['succeeded', 'failed', 'canceled'].includes(state)
  const steps = stepAnswers(names, observation.attempt, { over, ran: true })
  return {
    state,
    reason: cause?.reason,
    message: cause?.message,
    result: result.state,
    exit: observation.attempt?.worker.exitCode,
    steps: steps.map((one) => `${one.state} ${one.exit_code}`),
  }
}

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

describe('the start of a later step', () => {
  const message = (text: string) => ({ reason: 'StartError', message: text, startedAt: null })
  const later = (text: string, command?: string[]) =>
    podOf([terminated(0, 4, 9), terminated(128, 0, 12, message(text))], failed, command)

  it('that the machine failed is a disruption, and another attempt follows', () => {
    const { disruptions, attempt } = observed(later('failed to create shim task: signal: killed'))
    expect(disruptions).toMatchObject([{ reason: 'Interrupted', counted: true }])
    expect(disruptions?.[0]?.message).toContain('the node could not start the step `compute`')
    expect(attempt?.worker.exitCode).toBeUndefined()
  })

  it('that the request made impossible fails the job, and the message names the step', () => {
    const text = 'exec: "no-such": executable file not found in $PATH'
    expect(answerOf(later(text, ['no-such']))).toMatchObject({
      ...{ state: 'failed', reason: 'Error', exit: 127 },
      message: expect.stringContaining("the step `compute` couldn't run: StartError"),
      steps: ['succeeded 0', 'failed 127', 'skipped null'],
    })
  })

  it('without a shell says what needs one', () => {
    const text = 'exec: "/bin/sh": stat /bin/sh: no such file or directory'
    expect(answerOf(later(text, ['/bin/sh'])).message).toContain("need /bin/sh in the step's image")
  })

  it('is due within start_timeout_seconds of the end of the one before', () => {
    const one = podOf([terminated(0, 4, 9), waiting('ErrImagePull', 'not found')])
    const limits = { start_timeout_seconds: 60, retries: 0 }
    expect(nextDeadline(observed(one), limits, ms(10))).toEqual({ at: ms(69) })
    expect(nextDeadline(observed(one), limits, ms(69))).toMatchObject({
      stop: {
        cause: {
          reason: 'ErrImagePull',
          message: expect.stringContaining(
            'the step `compute` had not started 60 s after the end of the step `stage`',
          ),
        },
      },
    })
  })
})

describe('time limits', () => {
  const steps = names.map((name) => ({ name, timeout_seconds: 5 }))
  const limits = { start_timeout_seconds: 60, retries: 0, steps }

  it('of a step count from its own start', () => {
    const one = podOf([terminated(0, 4, 9), running(20)])
    expect(nextDeadline(observed(one), limits, ms(21))).toEqual({ at: ms(27) })
    expect(nextDeadline(observed(one), limits, ms(27))).toMatchObject({
      stop: {
        cause: {
          reason: 'TimeoutExceeded',
          message: 'the step `compute` was still running 5 s after its start',
        },
      },
    })
  })

  it('of the job span all steps, also between two of them', () => {
    const one = podOf([terminated(0, 4, 9)])
    const all = { ...limits, timeout_seconds: 10 }
    expect(nextDeadline(observed(one), all, ms(10))).toEqual({ at: ms(16) })
    expect(nextDeadline(observed(one), all, ms(16))).toMatchObject({
      stop: { cause: { reason: 'TimeoutExceeded' } },
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
