import { expect, it } from 'vitest'
import { endedBySuspension } from '../../../../src/backends/kubernetes/observation/suspension.ts'
import { at, job, ms, pod, running, seen, terminated } from '../objects.ts'

const deletion = { deletionTimestamp: at(70), deletionGracePeriodSeconds: 10 }
const killed = pod({ metadata: deletion, worker: terminated(137, 4, 62), status: { phase: 'Failed' } })
const suspended = job({ spec: { suspend: true } })
const condition = (status: string, seconds: number) =>
  job({ status: { conditions: [{ type: 'Suspended', status, lastTransitionTime: at(seconds) }] } })

it.each([
  ['a pod ended by a suspension', seen(killed), suspended, true],
  ['a pod whose Job is being resumed', seen(killed), condition('True', 60), true],
  ['a pod whose Job was resumed later', seen(killed), condition('False', 80), true],
  ['a pod deleted after a resumption', seen(killed), condition('False', 20), false],
  ['a pod of a never suspended Job', seen(killed), job(), false],
  ['a pod gone before it ran', seen(pod({}), ms(60)), suspended, true],
  ['a pod still ending', seen(pod({ metadata: deletion, worker: running(4) })), suspended, false],
  [
    'a pod that failed before',
    seen(pod({ metadata: deletion, worker: terminated(1, 4, 50), status: { phase: 'Failed' } })),
    suspended,
    false,
  ],
  [
    'a pod that succeeded nevertheless',
    seen(pod({ metadata: deletion, status: { phase: 'Succeeded' } })),
    suspended,
    false,
  ],
])('decides whether %s was ended by a suspension, and so is no attempt', (_, one, its, expected) => {
  expect(endedBySuspension(one, its)).toBe(expected)
})
