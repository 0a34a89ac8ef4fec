import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Window } from '../../../sidecar/pass/window.ts'

it('emits results in the order of their tasks, whichever task ends first', async () => {
  const emitted: number[] = []
  const window = new Window<number>(10, (result) => emitted.push(result))
  for (const [index, ms] of [30, 1, 20, 5].entries())
    await window.add({ weight: 1, promise: delay(ms, index) })
  await window.add({ weight: 1, result: 4 })
  await window.drain()
  expect(emitted).toEqual([0, 1, 2, 3, 4])
})

it('lets at most `limit` tasks wait', async () => {
  let [begun, ended, most] = [0, 0, 0]
  const window = new Window<void>(3, () => {
    ended += 1
  })
  for (let index = 0; index < 20; index += 1) {
    begun += 1
    most = Math.max(most, begun - ended)
    await window.add({ weight: 1, promise: delay(1 + (index % 3)) })
  }
  await window.drain()
  expect(most).toBe(3)
  expect(ended).toBe(20)
})

it('rejects with an error of emit(), once no task runs any more', async () => {
  let running = 0
  const run = async () => {
    running += 1
    await delay(10)
    running -= 1
  }
  const window = new Window<void>(2, () => {
    throw new Error('no space')
  })
  const task = () => window.add({ weight: 1, promise: run() })
  await expect(Promise.all([task(), task()])).rejects.toThrow('no space')
  expect(running).toBe(0)
  await expect(window.drain()).rejects.toThrow('no space')
})

it('emits the results of a group in their places, and tells the group when it is awaited', async () => {
  const emitted: number[] = []
  const window = new Window<number>(2, (result) => emitted.push(result))
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  let isDone = false
  const onAwaited = () => {
    isDone = true
    resolve()
  }
  const pending = (result: number) => ({
    weight: 0.5,
    onAwaited,
    group: { ended, done: () => (isDone ? { result } : undefined) },
  })
  await window.add({ weight: 1, promise: delay(5, 0) })
  await window.add(pending(1))
  expect(isDone).toBe(false)
  await window.add({ weight: 0.5, result: 2 })
  expect(emitted).toEqual([0])
  await window.add(pending(3))
  await window.add(pending(4))
  expect(isDone).toBe(true)
  await window.drain()
  expect(emitted).toEqual([0, 1, 2, 3, 4])
})
