import { expect, it } from 'vitest'
import { endedBySuspension } from '../../src/kubernetes/suspension.ts'
import { at, job, ms, pod, running, seen, terminated } from './objects.ts'

const deletion = { deletionTimestamp: at(70), deletionGracePeriodSeconds: 10 }
const killed = pod({ metadata: deletion, worker: terminated(137, 4, 62), status: { phase: 'Failed' } })
const suspended = job({ spec: { suspend: true } })
const condition = (status: string, seconds: number) =>
  job({ status: { conditions: [{ type: 'Suspended', status, lastTransitionTime: at(seconds) }] } })

it.each([
  ['a pod that a suspension ended', seen(killed), suspended, true],
  ['one whose Job is being resumed', seen(killed), condition('True', 60), true],
  ['one whose Job was resumed since', seen(killed), condition('False', 80), true],
  ['one that somebody deleted after a resumption', seen(killed), condition('False', 20), false],
  ['one of a Job that was never suspended', seen(killed), job(), false],
  ['one that is gone before it ran', seen(pod({}), ms(60)), suspended, true],
  ['one that still ends', seen(pod({ metadata: deletion, worker: running(4) })), suspended, false],
  [
    'one that had failed before',
    seen(pod({ metadata: deletion, worker: terminated(1, 4, 50), status: { phase: 'Failed' } })),
    suspended,
    false,
  ],
  [
    'one that succeeded all the same',
    seen(pod({ metadata: deletion, status: { phase: 'Succeeded' } })),
    suspended,
    false,
  ],
])('knows of %s whether it counts as an attempt', (_, one, its, expected) => {
  expect(endedBySuspension(one, its)).toBe(expected)
})
