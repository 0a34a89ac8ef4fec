import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Window } from '../../../sidecar/pass/window.ts'

it('emits results in the order of their tasks, whichever ends first', async () => {
  const emitted: number[] = []
  const window = new Window<number>(10, (result) => emitted.push(result))
  for (const [index, ms] of [30, 1, 20, 5].entries()) await window.add(delay(ms, index))
  await window.addResult(4)
  await window.drain()
  expect(emitted).toEqual([0, 1, 2, 3, 4])
})

it('lets no more tasks wait than its limit', async () => {
  let [begun, ended, most] = [0, 0, 0]
  const window = new Window<void>(3, () => {
    ended += 1
  })
  for (let index = 0; index < 20; index += 1) {
    begun += 1
    most = Math.max(most, begun - ended)
    await window.add(delay(1 + (index % 3)))
  }
  await window.drain()
  expect(most).toBe(3)
  expect(ended).toBe(20)
})

it('rejects with what emitting throws, once nothing is under way', async () => {
  let underWay = 0
  const task = async () => {
    underWay += 1
    await delay(10)
    underWay -= 1
  }
  const window = new Window<void>(2, () => {
    throw new Error('no space')
  })
  await expect(Promise.all([window.add(task()), window.add(task())])).rejects.toThrow('no space')
  expect(underWay).toBe(0)
  await expect(window.drain()).rejects.toThrow('no space')
})

it('emits results that come together in their places, and asks for them once they are waited for', async () => {
  const emitted: number[] = []
  const window = new Window<number>(2, (result) => emitted.push(result))
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  let isDone = false
  const onAwaited = () => {
    isDone = true
    resolve()
  }
  const place = { weight: 0.5, onAwaited }
  const pending = (result: number) => ({ ended, done: () => (isDone ? { result } : undefined) })
  await window.add(delay(5, 0))
  await window.addPending(pending(1), place)
  expect(isDone).toBe(false)
  await window.addResult(2, 0.5)
  expect(emitted).toEqual([0])
  await window.addPending(pending(3), place)
  await window.addPending(pending(4), place)
  expect(isDone).toBe(true)
  await window.drain()
  expect(emitted).toEqual([0, 1, 2, 3, 4])
})
