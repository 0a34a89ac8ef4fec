import { expect, it } from 'vitest'
import { attempt, finished, head, outcome, second } from './observations.ts'

it.each([
  [1, 'the worker exited with code 1; see its log'],
  [127, 'the worker exited with code 127; see its log'],
  [128, 'the worker exited with code 128; see its log'],
  [130, 'the worker exited with code 130, that is signal 2 (SIGINT); see its log'],
  [
    137,
    'the worker exited with code 137, that is signal 9 (SIGKILL: by a process of its own, or by the node or its container runtime); see its log',
  ],
  [143, 'the worker exited with code 143, that is signal 15 (SIGTERM); see its log'],
  [159, 'the worker exited with code 159, that is signal 31 (SIGSYS); see its log'],
  [160, 'the worker exited with code 160; see its log'],
  [162, 'the worker exited with code 162, that is signal 34; see its log'],
  [192, 'the worker exited with code 192, that is signal 64; see its log'],
  [193, 'the worker exited with code 193; see its log'],
  [255, 'the worker exited with code 255; see its log'],
])('the exit code %i is explained by a signal only if there is one', (exitCode, message) => {
  const { worker } = attempt()
  expect(
    outcome(attempt({ worker: { ...worker, exitCode }, ended: true }), head({ scan: finished + second })),
  ).toMatchObject({
    cause: { reason: 'Error', message },
  })
})
