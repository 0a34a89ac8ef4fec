import { expect, it } from 'vitest'
import { annotations } from '../../../../src/backends/kubernetes/names.ts'
import { observe } from '../../../../src/backends/kubernetes/observation/observe.ts'
import { at, job, ms, pod, running, seen, terminated, waiting } from '../objects.ts'

const uploading = { started: true, ...running(2) }

it('shows a job without a pod', () => {
  expect(observe({ job: job(), pods: [] })).toEqual({ createdAt: ms(0), suspended: false, failedAttempts: 0 })
})

it("shows another client's suspension, but not the suspension of an incomplete creation", () => {
  const spec = { suspend: true }
  expect(observe({ job: job({ spec }), pods: [] }).suspended).toBe(true)
  const annotated = { [annotations.creating]: at(0) }
  expect(observe({ job: job({ spec, annotations: annotated }), pods: [] }).suspended).toBe(false)
})

it('shows the decision to stop, and that no attempt follows it', () => {
  const stop = { outcome: 'canceled', cause: { reason: 'Canceled', message: 'by test' }, at: ms(5) } as const
  const annotated = { [annotations.stop]: JSON.stringify(stop) }
  expect(observe({ job: job({ annotations: annotated }), pods: [] })).toMatchObject({
    stop,
    ended: { at: ms(5) },
  })
})

it('shows a running worker with a ready uploader', () => {
  const one = pod({ nodeName: 'node', uploader: uploading, worker: running(4), status: { phase: 'Running' } })
  expect(observe({ job: job(), pods: [seen(one)] }).attempt).toEqual({
    uid: 'pod-1',
    number: 1,
    createdAt: ms(1),
    scheduled: true,
    node: 'node',
    uploader: { ready: true, resolution: 1000, restarts: 0, startedAt: ms(2) },
    worker: { resolution: 1000, restarts: 0, startedAt: ms(4) },
    ended: false,
  })
})

it('shows until when a failed worker is held, and how to look into it', () => {
  const one = pod({ nodeName: 'node', uploader: uploading, worker: running(4), status: { phase: 'Running' } })
  const word = { held: { at: at(10), exit_code: 3 } }
  const request = JSON.stringify({ hold_after_failure_seconds: 60 })
  const seenJob = job({ annotations: { [annotations.request]: request } })
  const said = { pod: 'pod-1', heard: { word, at: ms(11) } }
  const { held } = observe({ job: seenJob, pods: [seen(one)], word: said })
  expect(held?.reason).toBe('HeldAfterFailure')
  expect(held?.message).toContain(
    `the worker exited with code 3; its container is held until ${new Date(ms(70)).toISOString()}`,
  )
  expect(held?.message).toContain('-c worker -- sh`')
  // A request without the field has a worker that writes such a file by itself.
  expect(observe({ job: job(), pods: [seen(one)], word: said }).held).toBeUndefined()
})

it('shows an uploader as not ready before its startup probe passes', () => {
  const one = pod({ uploader: { started: false, ...running(2) }, worker: waiting('PodInitializing') })
  const { attempt, blocked } = observe({ job: job(), pods: [seen(one)] })
  expect(attempt).toMatchObject({ uploader: { ready: false, startedAt: ms(2) }, ended: false })
  expect(blocked).toBeUndefined()
})

it("shows the last attempt's end before the Job has a condition", () => {
  const storing = (exitCode: number, phase = 'Running') => [
    seen(pod({ uploader: uploading, worker: terminated(exitCode, 4, 9), status: { phase } })),
  ]
  expect(observe({ job: job(), pods: storing(0) })).toMatchObject({
    ended: { at: ms(9) },
    attempt: { ended: false, worker: { exitCode: 0, finishedAt: ms(9) } },
  })
  // The kubelet shows an eviction only at the pod's end: a failed worker has to wait for it.
  expect(observe({ job: job(), pods: storing(1) }).ended).toBeUndefined()
  expect(observe({ job: job(), pods: storing(1, 'Failed') }).ended).toEqual({ at: ms(9) })
  expect(
    observe({ job: job({ spec: { backoffLimit: 1 } }), pods: storing(1, 'Failed') }).ended,
  ).toBeUndefined()
  expect(observe({ job: job({ spec: { backoffLimit: 1 } }), pods: storing(0) }).ended).toEqual({ at: ms(9) })
})

it("takes the end from the Job's conditions", () => {
  const conditions = [
    { type: 'Suspended', status: 'False', lastTransitionTime: at(1) },
    { type: 'Failed', status: 'True', lastTransitionTime: at(20) },
    { type: 'FailureTarget', status: 'True', lastTransitionTime: at(18) },
  ]
  const observed = observe({ job: job({ status: { conditions, failed: 1 } }), pods: [] })
  expect(observed).toMatchObject({ ended: { at: ms(18) }, failedAttempts: 1 })
})

it('counts attempts, including those whose pods are gone', () => {
  const first = pod({ worker: terminated(1, 4, 9), status: { phase: 'Failed' } })
  const second = pod({
    metadata: { name: 'b', uid: 'pod-2', creationTimestamp: at(20) },
    uploader: uploading,
    worker: running(22),
  })
  const withTwo = observe({ job: job({ spec: { backoffLimit: 1 } }), pods: [seen(second), seen(first)] })
  expect(withTwo).toMatchObject({ failedAttempts: 1, attempt: { uid: 'pod-2', number: 2 } })
  const restarted = observe({ job: job({ status: { failed: 1 } }), pods: [seen(second)] })
  expect(restarted).toMatchObject({ failedAttempts: 1, attempt: { uid: 'pod-2', number: 2 } })
})

it('keeps the attempt of a pod that is gone', () => {
  const one = pod({ uploader: terminated(0, 2, 10), worker: terminated(0, 4, 9) })
  const { attempt } = observe({ job: job(), pods: [seen(one, ms(11))] })
  expect(attempt).toMatchObject({ ended: true, worker: { exitCode: 0 } })
  expect(attempt?.interrupted).toBeUndefined()
})

it('is incomplete while the Job counts more pods than the watch delivered, until a query lists all', () => {
  const conditions = [{ type: 'Complete', status: 'True', lastTransitionTime: at(20) }]
  const done = job({ status: { conditions, failed: 1, succeeded: 1 } })
  const first = [seen(pod({ worker: terminated(1, 4, 9), status: { phase: 'Failed' } }))]
  expect(observe({ job: done, pods: first }).incomplete).toBe(true)
  expect(observe({ job: done, pods: [] }).incomplete).toBe(true)
  expect(observe({ job: done, pods: first, podsKnown: true }).incomplete).toBeUndefined()
})

it.each([
  ['OOMKilled', {}, 'OOMKilled', /memory/],
  ['StartError', { message: 'exec: "nothing": not found' }, 'Error', /"nothing": not found/],
  [
    'StartError',
    { message: 'failed to create containerd task: failed to create shim task: context canceled: unknown' },
    'Error',
    /couldn't run.*context canceled/,
  ],
  ['Unknown', {}, 'Interrupted', /lost the worker/],
  ['ContainerStatusUnknown', {}, 'Interrupted', /lost track/],
])("shows the worker's own reason: %s", (reason, more, expected, message) => {
  const worker = terminated(137, 4, 9, { reason, ...more })
  const { attempt } = observe({ job: job(), pods: [seen(pod({ uploader: uploading, worker }))] })
  expect(attempt?.worker.cause).toEqual({ reason: expected, message: expect.stringMatching(message) })
})

it('lets no worker end before its start, on a node whose clock was set back', () => {
  const worker = terminated(0, 9, 7)
  const { attempt } = observe({ job: job(), pods: [seen(pod({ uploader: uploading, worker }))] })
  expect(attempt?.worker).toMatchObject({ startedAt: ms(7), finishedAt: ms(7) })
})

it("ignores containerd's start time in 1970 of a worker that failed to start", () => {
  const state = { reason: 'StartError', exitCode: 128, startedAt: '1970-01-01T00:00:00Z', finishedAt: at(9) }
  const worker = { ...terminated(128, 0, 9), state: { terminated: state } }
  const { attempt } = observe({ job: job(), pods: [seen(pod({ uploader: uploading, worker }))] })
  expect(attempt?.worker.startedAt).toBeUndefined()
  expect(attempt?.worker.exitCode).toBeUndefined()
  expect(attempt?.worker.cause?.reason).toBe('Interrupted')
})

it.each([
  ['exec: "nothing": executable file not found in $PATH: unknown', 127],
  ['exec: "/no/such": stat /no/such: no such file or directory: unknown', 127],
  ['executable file `nothing` not found in $PATH: No such file or directory', 127],
  ['exec: "/etc/passwd": permission denied: unknown', 126],
  ['exec /app/arm64: exec format error', 126],
  ['chdir to cwd ("/nowhere") set in config.json failed: no such file or directory', undefined],
])('gives a worker that could not be started the exit code of a shell: %s', (message, exitCode) => {
  const state = { reason: 'StartError', exitCode: 128, startedAt: '1970-01-01T00:00:00Z', message }
  const worker = { ...terminated(128, 0, 9), state: { terminated: state } }
  const { attempt } = observe({ job: job(), pods: [seen(pod({ uploader: uploading, worker }))] })
  expect(attempt?.worker.cause?.reason).toBe('Error')
  expect(attempt?.worker.exitCode).toBe(exitCode)
})

it('shows no reason for a worker that exited by itself', () => {
  const worker = terminated(3, 4, 9, { reason: 'Error', message: 'last words' })
  const { attempt } = observe({ job: job(), pods: [seen(pod({ worker }))] })
  expect(attempt?.worker).toMatchObject({ exitCode: 3, message: 'last words' })
  expect(attempt?.worker.cause).toBeUndefined()
})

it('shows a pod refused by its node for its own specification as Error', () => {
  const one = pod({ status: { phase: 'Failed', reason: 'SysctlForbidden', message: 'forbidden sysctl' } })
  const { attempt } = observe({ job: job(), pods: [seen(one)] })
  expect(attempt).toMatchObject({ ended: true, worker: { cause: { reason: 'Error' } } })
})

it("prefers the pod's own reason to a diagnosis, and drops both at the pod's end", () => {
  const noticed = { reason: 'FailedMount', message: 'noticed' } as const
  const pulling = pod({ uploader: uploading, worker: waiting('ErrImagePull', 'no such image') })
  expect(observe({ job: job(), pods: [seen(pulling)], blocked: noticed }).blocked).toEqual({
    reason: 'ErrImagePull',
    message: "worker's image worker:1: no such image",
  })
  expect(observe({ job: job(), pods: [seen(pod())], blocked: noticed }).blocked).toEqual(noticed)
  expect(observe({ job: job(), pods: [seen(pod(), ms(9))], blocked: noticed }).blocked).toBeUndefined()
})
