import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { isRetryable, retriedForHours, retry, retryDelay } from '../../src/artifact/retry.ts'
import { StoreError, type StoreErrorKind } from '../../src/artifact/store.ts'

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
  ])('%s: %s for a call, %s for an uploader', (kind, expected, forHours) => {
    expect(isRetryable(new StoreError(kind, 'x'))).toBe(expected)
    expect(retriedForHours(new StoreError(kind, 'x'))).toBe(forHours)
    expect(isRetryable(new StoreError(kind, 'x'), [kind])).toBe(true)
  })

  it('is only about stores', () => {
    expect(isRetryable(new Error('unavailable'))).toBe(false)
    expect(isRetryable(undefined)).toBe(false)
  })
})

describe('retryDelay', () => {
  it('doubles up to 5 s, half of it random', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 50].map((attempt) => retryDelay(attempt, 0))).toEqual([
      50, 100, 200, 400, 800, 1600, 2500, 2500,
    ])
    expect(retryDelay(1, 0.5)).toBe(75)
    expect(retryDelay(1000, 1)).toBe(5000)
  })
})

describe('retry', () => {
  it('gives the first success and tells of every failure before', async () => {
    const told: unknown[] = []
    const onRetry = (error: unknown, delay: number, attempt: number) =>
      told.push([String(error), delay >= 50 && delay < 200, attempt])
    expect(await retry(failing('unavailable', 2), { onRetry })).toBe(3)
    expect(told).toEqual([
      ['StoreError: failure 1', true, 1],
      ['StoreError: failure 2', true, 2],
    ])
  })

  it('ends with the last error after so many attempts', async () => {
    await expect(retry(failing('unavailable', 9), { attempts: 3 })).rejects.toThrow('failure 3')
    await expect(retry(failing('unavailable', 9))).rejects.toThrow('failure 5')
  })

  it('tries what is not retryable once', async () => {
    await expect(retry(failing('denied', 9))).rejects.toThrow('failure 1')
    const retryable = (error: unknown) => isRetryable(error, ['denied'])
    expect(await retry(failing('denied', 1), { retryable })).toBe(2)
  })

  it('begins no attempt after its deadline, but one at it', async () => {
    const start = Date.now()
    await expect(retry(failing('unavailable', 99), { until: start + 400 })).rejects.toThrow(/failure \d/)
    expect(Date.now() - start).toBeGreaterThanOrEqual(399)
    expect(Date.now() - start).toBeLessThan(3000)
    await expect(retry(failing('unavailable', 99), { until: start })).rejects.toThrow('failure 1')
  })

  it('begins no attempt after 20 s where it has no deadline', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    let calls = 0
    const hanging = () => {
      calls += 1
      vi.advanceTimersByTime(30_000)
      return Promise.reject(new StoreError('unavailable', 'no answer'))
    }
    await expect(retry(hanging)).rejects.toThrow('no answer')
    expect(calls).toBe(1)
  })

  it('ends a pause with the reason of its signal', async () => {
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
