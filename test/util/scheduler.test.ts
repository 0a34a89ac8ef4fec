import { expect, it } from 'vitest'
import { Scheduler } from '../../src/util/scheduler.ts'
import { manualClock } from '../support/time/manual-clock.ts'

it('runs tasks in the order of their due times, not in the order of set()', () => {
  const clock = manualClock(0)
  const queue = new Scheduler(clock)
  const ran: number[] = []
  for (const at of [70, 10, 40, 20, 90, 30, 60, 80, 50]) queue.set(`k${at}`, at, () => ran.push(at))
  clock.advanceSync(55)
  expect(ran).toEqual([10, 20, 30, 40, 50])
  clock.advanceSync(100)
  expect(ran).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90])
})

it('replaces the task of a key, and never runs a deleted task', () => {
  const clock = manualClock(0)
  const queue = new Scheduler(clock)
  const ran: string[] = []
  queue.set('a', 10, () => ran.push('first'))
  queue.set('a', 20, () => ran.push('second'))
  queue.set('b', 15, () => ran.push('deleted'))
  queue.delete('b')
  clock.advanceSync(30)
  expect(ran).toEqual(['second'])
  expect(queue.has('a')).toBe(false)
})

it('lets a task set the next one of its key', () => {
  const clock = manualClock(0)
  const queue = new Scheduler(clock)
  let runs = 0
  const again = () => {
    runs++
    if (runs < 3) queue.set('a', clock.now() + 10, again)
  }
  queue.set('a', 10, again)
  clock.advanceSync(100)
  expect(runs).toBe(3)
})

it('waits for times beyond the maximum delay of a timer', () => {
  const clock = manualClock(0)
  const queue = new Scheduler(clock)
  let ran = false
  queue.set('a', 2 ** 32, () => {
    ran = true
  })
  clock.advanceSync(2 ** 31)
  expect(ran).toBe(false)
  clock.advanceSync(2 ** 32)
  expect(ran).toBe(true)
})

it('close() waits for the running tasks, and no others begin', async () => {
  const clock = manualClock(0)
  const queue = new Scheduler(clock)
  const { promise, resolve } = Promise.withResolvers<void>()
  let begun = 0
  for (const key of ['a', 'b']) {
    queue.set(key, key === 'a' ? 10 : 20, () => {
      begun++
      return promise
    })
  }
  clock.advanceSync(15)
  let closed = false
  const closing = queue.close().then(() => {
    closed = true
  })
  await clock.advance(100)
  expect({ begun, closed }).toEqual({ begun: 1, closed: false })
  resolve()
  await closing
  expect(begun).toBe(1)
})

it('holds one timer for any number of keys, and none once it is closed', async () => {
  const clock = manualClock(0)
  const queue = new Scheduler(clock)
  for (let i = 0; i < 1000; i++) queue.set(`k${i}`, 1000 + i, () => {})
  expect(clock.pending).toBe(1)
  await queue.close()
  expect(clock.pending).toBe(0)
})

it('drops replaced and deleted entries, and still runs in order', () => {
  const clock = manualClock(0)
  const queue = new Scheduler(clock)
  const ran: string[] = []
  for (let i = 0; i < 10_000; i++) {
    queue.set(`short ${i}`, 1e9 + i, () => ran.push('never'))
    queue.delete(`short ${i}`)
    for (const key of ['b', 'a']) queue.set(key, key === 'a' ? 5 : 7, () => ran.push(key))
  }
  expect(queue.size).toBeLessThan(100)
  clock.advanceSync(10)
  expect(ran).toEqual(['a', 'b'])
})
