import { expect, it } from 'vitest'
import type { Event } from '../../../../src/backends/kubernetes/api/objects.ts'
import { blockedByEvents, blockedByStatus } from '../../../../src/backends/kubernetes/observation/blocked.ts'
import { saidByUploader } from '../../../../src/job/state/said-by-uploader.ts'
import { at, ms, pod, waiting } from '../objects.ts'

function event(reason: string, message: string, seconds = 10): Event {
  return { metadata: {}, involvedObject: {}, reason, message, lastTimestamp: at(seconds) }
}

it.each([
  ['ErrImagePull', 'ErrImagePull', "worker's image worker:1: text"],
  ['ImagePullBackOff', 'ImagePullBackOff', "worker's image worker:1: text"],
  ['ErrImageNeverPull', 'ErrImagePull', "worker's image worker:1: text"],
  ['InvalidImageName', 'InvalidImageName', "worker's image worker:1: text"],
  ['CreateContainerConfigError', 'CreateContainerConfigError', "worker can't be started: text"],
  ['CreateContainerError', 'CreateContainerConfigError', "worker can't be started: text"],
])('shows a container waiting with %s as blocked', (waits, reason, message) => {
  expect(blockedByStatus(pod({ worker: waiting(waits, 'text') }))).toEqual({ reason, message })
})

it.each(['PodInitializing', 'ContainerCreating'])(
  'shows no reason while a container waits with %s',
  (waits) => {
    expect(blockedByStatus(pod({ uploader: waiting(waits), worker: waiting(waits) }))).toBeUndefined()
  },
)

it('shows the scheduler’s reason', () => {
  const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' }
  expect(blockedByStatus(pod({ status: { conditions: [condition] } }))).toEqual({
    reason: 'Unschedulable',
    message: 'no node takes the pod: 0/1 nodes',
  })
})

it("shows an uploader's termination message while the kubelet waits to restart it", () => {
  const message = JSON.stringify({ reason: 'StoreUnavailable', message: 'no bucket' })
  const lastState = { terminated: { exitCode: 3, message } }
  const uploader = { ...waiting('CrashLoopBackOff', 'back-off 10s'), lastState }
  expect(blockedByStatus(pod({ uploader }))).toEqual({ reason: 'StoreUnavailable', message: 'no bucket' })
})

it.each([
  ['FailedCreate', 'pods "x" is forbidden: exceeded quota: none, requested: cpu=2', 'QuotaExceeded'],
  ['FailedCreate', 'pods "x" is forbidden: failed quota: q: must specify memory', 'QuotaExceeded'],
  ['FailedCreate', 'violates PodSecurity "restricted:latest"', 'CreateContainerConfigError'],
  ['FailedMount', 'MountVolume.SetUp failed: configmap "x" not found', 'FailedMount'],
  ['FailedAttachVolume', 'Multi-Attach error', 'FailedMount'],
  ['FailedScheduling', '0/1 nodes: persistentvolumeclaim "x" not found', 'FailedMount'],
  ['FailedScheduling', '0/1 nodes are available', 'Unschedulable'],
])('reads the warning %s: %s', (reason, message, expected) => {
  const cause = blockedByEvents([event(reason, message), event('BackOff', 'noise', 20)], { oldest: 0 })
  expect(cause).toMatchObject({ reason: expected, message: expect.stringContaining(message) })
})

it('uses the newest warning, and none older than `oldest`', () => {
  const events = [event('FailedMount', 'later', 30), event('FailedCreate', 'exceeded quota', 10)]
  expect(blockedByEvents(events, { oldest: 0 })?.reason).toBe('FailedMount')
  expect(blockedByEvents(events, { oldest: ms(31) })).toBeUndefined()
})

it('ignores a warning about a step that the pod has passed', () => {
  const scheduled = pod({ nodeName: 'node' })
  expect(blockedByEvents([event('FailedScheduling', 'x')], { pod: scheduled, oldest: 0 })).toBeUndefined()
  const conditions = [{ type: 'PodReadyToStartContainers', status: 'True' }]
  const mounted = pod({ nodeName: 'node', status: { conditions } })
  expect(blockedByEvents([event('FailedMount', 'x')], { pod: mounted, oldest: 0 })).toBeUndefined()
})

it("reads only known reasons from the uploader's log", () => {
  const lines = [
    'not json',
    JSON.stringify({ time: at(1), reason: 'StoreUnavailable', message: 'old' }),
    JSON.stringify({ time: at(9), reason: 'StoreUnavailable', msg: 'no such bucket' }),
    JSON.stringify({ time: at(9), reason: 'Sunday', message: 'not ours' }),
    JSON.stringify({ time: at(9), msg: 'tries again' }),
    '{"cut',
  ]
  const log = `${lines.join('\n')}\n`
  expect(saidByUploader(log, ms(5))).toEqual({
    blocked: { reason: 'StoreUnavailable', message: 'no such bucket' },
  })
  expect(saidByUploader(log, ms(10))).toEqual({})
  expect(saidByUploader('', 0)).toEqual({})
})

it("uses the uploader's last line: its progress or its trouble", () => {
  const trouble = { time: at(9), reason: 'StoreUnavailable', progress: {}, message: '1 of 2 files; refused' }
  const numbers = { files: 2, bytes: 20, total_files: 2, total_bytes: 20 }
  const progress = { time: at(12), progress: numbers, message: '2 of 2 files' }
  const log = (...lines: object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  expect(saidByUploader(log(trouble, progress), 0)).toEqual({
    progress: '2 of 2 files',
    uploaded: numbers,
  })
  expect(saidByUploader(log(progress, trouble), 0)).toEqual({
    blocked: { reason: 'StoreUnavailable', message: '1 of 2 files; refused' },
  })
})
