import { describe, expect, it } from 'vitest'
import { isRetryable, retriedForHours, retry, retryDelay } from '../../src/store/retry.ts'
import { StoreError, type StoreErrorKind } from '../../src/store/store.ts'
import { manualClock } from '../support/time/manual-clock.ts'

const failing = (kind: StoreErrorKind, times: number) => {
  let calls = 0
  return async () => {
    calls++
    if (calls <= times) throw new StoreError(kind, `failure ${calls}`)
    return calls
  }
}

describe('isRetryable', () => {
  it.each<[StoreErrorKind, boolean, boolean]>([
    ['unavailable', true, true],
    ['corrupt', true, true],
    ['denied', false, true],
    ['full', false, true],
    ['not-found', false, true],
    ['precondition-failed', false, false],
    ['invalid', false, false],
  ])('for %s is %s for a call, %s for the uploader', (kind, expected, forHours) => {
    expect(isRetryable(new StoreError(kind, 'x'))).toBe(expected)
    expect(retriedForHours(new StoreError(kind, 'x'))).toBe(forHours)
    expect(isRetryable(new StoreError(kind, 'x'), [kind])).toBe(true)
  })

  it('is false for every error except StoreError', () => {
    expect(isRetryable(new Error('unavailable'))).toBe(false)
    expect(isRetryable(undefined)).toBe(false)
  })
})

describe('retryDelay', () => {
  it('doubles up to 5 s, half of them random', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 50].map((attempt) => retryDelay(attempt, 0))).toEqual([
      50, 100, 200, 400, 800, 1600, 2500, 2500,
    ])
    expect(retryDelay(1, 0.5)).toBe(75)
    expect(retryDelay(1000, 1)).toBe(5000)
  })
})

describe('retry', () => {
  it('gives the first success and calls onRetry for every failure before it', async () => {
    const retries: unknown[] = []
    const onRetry = (error: unknown, delay: number, attempt: number) =>
      retries.push([String(error), delay >= 50 && delay < 200, attempt])
    expect(await retry(failing('unavailable', 2), { onRetry })).toBe(3)
    expect(retries).toEqual([
      ['StoreError: failure 1', true, 1],
      ['StoreError: failure 2', true, 2],
    ])
  })

  it('rejects with the last error after `attempts`, 5 by default', async () => {
    const clock = manualClock()
    for (const [options, failure] of [
      [{ attempts: 3 }, 'failure 3'],
      [{}, 'failure 5'],
    ] as const) {
      const rejected = expect(retry(failing('unavailable', 9), { ...options, clock })).rejects.toThrow(
        failure,
      )
      await clock.advance(10_000)
      await rejected
    }
  })

  it('makes one attempt if the error is not retryable', async () => {
    await expect(retry(failing('denied', 9))).rejects.toThrow('failure 1')
    const retryable = (error: unknown) => isRetryable(error, ['denied'])
    expect(await retry(failing('denied', 1), { retryable })).toBe(2)
  })

  it('begins a last attempt at its deadline, and none later', async () => {
    const clock = manualClock()
    const until = clock.now() + 400
    const begun: number[] = []
    const work = async () => {
      begun.push(clock.now())
      throw new StoreError('unavailable', `failure ${begun.length}`)
    }
    const rejected = expect(retry(work, { until, clock })).rejects.toThrow(/failure \d/)
    await clock.advance(3000)
    await rejected
    expect(begun.at(-1)).toBe(until)
    await expect(retry(failing('unavailable', 99), { until, clock })).rejects.toThrow('failure 1')
  })

  it('begins no attempt after 20 s by default', async () => {
    const clock = manualClock()
    let calls = 0
    const hanging = async () => {
      calls += 1
      await clock.sleep(30_000)
      throw new StoreError('unavailable', 'no answer')
    }
    const rejected = expect(retry(hanging, { clock })).rejects.toThrow('no answer')
    await clock.advance(60_000)
    await rejected
    expect(calls).toBe(1)
  })

  it("ends a delay with its signal's reason", async () => {
    const reason = new Error('enough')
    const signal = AbortSignal.timeout(10_000)
    expect(await retry(failing('unavailable', 1), { signal })).toBe(2)
    const controller = new AbortController()
    const onRetry = () => setTimeout(() => controller.abort(reason), 5)
    await expect(retry(failing('unavailable', 9), { signal: controller.signal, onRetry })).rejects.toBe(
      reason,
    )
    await expect(retry(failing('unavailable', 0), { signal: controller.signal })).rejects.toBe(reason)
  })
})
