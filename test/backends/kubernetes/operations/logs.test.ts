import { expect, it } from 'vitest'
import type { Pod } from '../../../../src/backends/kubernetes/api/objects.ts'
import { openPodLog, settlingTime } from '../../../../src/backends/kubernetes/operations/logs.ts'
import { answeringApi } from '../answering-api.ts'

const end = Date.parse('2026-11-28T20:00:05Z')

function podWithWorker(state: object): Pod {
  return { status: { containerStatuses: [{ name: 'worker', state }] } } as never
}

const ended = podWithWorker({ terminated: { exitCode: 0, finishedAt: '2026-11-28T20:00:05Z' } })

it.each([
  ['in the second of its end', end + 300, 1700],
  ['at the end of that time', end + 2000, 0],
  ['an hour later', end + 3_600_000, 0],
  ['by a clock that is a minute behind the node’s', end - 60_000, 2000],
])('gives the log of an ended container time for its last lines: %s', (_, now, milliseconds) => {
  expect(settlingTime(ended, { container: 'worker' }, now)).toBe(milliseconds)
})

it('does not wait for the log of a container that runs, or has no status', () => {
  expect(settlingTime(podWithWorker({ running: {} }), { container: 'worker' }, end)).toBe(0)
  expect(settlingTime(ended, { container: 'uploader' }, end)).toBe(0)
})

it('does not wait for the log of a pod that is being deleted', () => {
  const deleted = { ...ended, metadata: { deletionTimestamp: '2026-11-28T20:00:05Z' } } as never
  expect(settlingTime(deleted, { container: 'worker' }, end)).toBe(0)
})

const running = { metadata: { name: 'pod' }, spec: { nodeName: 'node-7' } } as Pod
const status = (code: number, message: string, kind?: string) => {
  return { kind: 'Status', status: 'Failure', code, message, details: { kind } }
}

it.each([
  status(404, 'the server could not find the requested resource ( pods/log pod)', 'pods/log'),
  status(500, 'Get "https://10.0.0.7:10250/containerLogs/…": dial tcp 10.0.0.7:10250: connection refused'),
  status(502, 'error trying to reach service'),
])('names the node whose kubelet does not give out a log: $code', async (answer) => {
  const api = await answeringApi(() => answer)
  await expect(openPodLog(api, running, { container: 'worker' })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/^The node node-7 does not give out the log at the moment: its kubelet/),
    retryAfterSeconds: 5,
  })
})

it('has no log of a pod that is gone, and of a container that waits to start', async () => {
  const gone = await answeringApi(() => status(404, 'pods "pod" not found', 'pods'))
  expect(await openPodLog(gone, running, { container: 'worker' })).toBeUndefined()
  const waiting = await answeringApi(() => status(400, 'container "worker" is waiting to start'))
  expect(await openPodLog(waiting, running, { container: 'worker' })).toBeUndefined()
})

it('claims no beginning, though the first line was written in the second of the start', async () => {
  const asked: string[] = []
  const api = await answeringApi((url) => {
    asked.push(url.pathname + url.search)
    return { line: '2026-11-28T20:00:05.1Z' }
  })
  const log = await openPodLog(api, { ...ended, ...running } as Pod, { container: 'worker' })
  expect(log?.fromBeginning).toBeUndefined()
  log?.stream.destroy()
  expect(asked).toHaveLength(1)
})
