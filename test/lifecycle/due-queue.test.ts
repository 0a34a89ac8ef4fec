import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { DueQueue } from '../../src/lifecycle/due-queue.ts'

beforeEach(() => vi.useFakeTimers({ now: 0 }))
afterEach(() => vi.useRealTimers())

it('runs tasks in the order in which they are due, whatever the order of their setting', () => {
  const queue = new DueQueue()
  const ran: number[] = []
  for (const at of [70, 10, 40, 20, 90, 30, 60, 80, 50]) queue.set(`k${at}`, at, () => ran.push(at))
  vi.advanceTimersByTime(55)
  expect(ran).toEqual([10, 20, 30, 40, 50])
  vi.advanceTimersByTime(100)
  expect(ran).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90])
})

it('replaces the task of a key and forgets one that was deleted', () => {
  const queue = new DueQueue()
  const ran: string[] = []
  queue.set('a', 10, () => ran.push('first'))
  queue.set('a', 20, () => ran.push('second'))
  queue.set('b', 15, () => ran.push('deleted'))
  queue.delete('b')
  vi.advanceTimersByTime(30)
  expect(ran).toEqual(['second'])
  expect(queue.has('a')).toBe(false)
})

it('lets a task set the next one of its key', () => {
  const queue = new DueQueue()
  let runs = 0
  const again = () => {
    runs++
    if (runs < 3) queue.set('a', Date.now() + 10, again)
  }
  queue.set('a', 10, again)
  vi.advanceTimersByTime(100)
  expect(runs).toBe(3)
})

it('waits for times further away than a timer can hold', () => {
  const queue = new DueQueue()
  let ran = false
  queue.set('a', 2 ** 32, () => {
    ran = true
  })
  vi.advanceTimersByTime(2 ** 31)
  expect(ran).toBe(false)
  vi.advanceTimersByTime(2 ** 32)
  expect(ran).toBe(true)
})

it('is closed once the tasks under way have ended, and begins no other', async () => {
  const queue = new DueQueue()
  const { promise, resolve } = Promise.withResolvers<void>()
  let begun = 0
  for (const key of ['a', 'b']) {
    queue.set(key, key === 'a' ? 10 : 20, () => {
      begun++
      return promise
    })
  }
  vi.advanceTimersByTime(15)
  let closed = false
  const closing = queue.close().then(() => {
    closed = true
  })
  await vi.advanceTimersByTimeAsync(100)
  expect({ begun, closed }).toEqual({ begun: 1, closed: false })
  resolve()
  await closing
  expect(begun).toBe(1)
})

it('holds one timer for any number of keys, and none once it is closed', async () => {
  const queue = new DueQueue()
  for (let i = 0; i < 1000; i++) queue.set(`k${i}`, 1000 + i, () => {})
  expect(vi.getTimerCount()).toBe(1)
  await queue.close()
  expect(vi.getTimerCount()).toBe(0)
})

it('does not pile up what was replaced or deleted, and still runs in order', () => {
  const queue = new DueQueue()
  const ran: string[] = []
  for (let i = 0; i < 10_000; i++) {
    queue.set(`short ${i}`, 1e9 + i, () => ran.push('never'))
    queue.delete(`short ${i}`)
    for (const key of ['b', 'a']) queue.set(key, key === 'a' ? 5 : 7, () => ran.push(key))
  }
  expect(queue.size).toBeLessThan(100)
  vi.advanceTimersByTime(10)
  expect(ran).toEqual(['a', 'b'])
})
