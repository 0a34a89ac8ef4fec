import { describe, expect, it } from 'vitest'
import { nextDeadline } from '../../../../src/job/state/deadlines.ts'
import { ms, running, terminated, waiting } from '../objects.ts'
import { answerOf, failed, names, observed, podOf } from './step-pods.ts'

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
