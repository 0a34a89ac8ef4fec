import { expect, it } from 'vitest'
import { Semaphore } from '../../src/util/semaphore.ts'

/** Acquires for each name; `entered` has the holders in order, and `leave` releases one of them. */
async function enter(semaphore: Semaphore, ...names: string[]) {
  const entered: string[] = []
  const leaves = new Map<string, () => void>()
  for (const name of names) {
    // `a1` and `a2` share the name `a`.
    void semaphore.acquire(name.slice(0, 1)).then((leave) => {
      entered.push(name)
      leaves.set(name, leave)
    })
  }
  const leave = async (name: string) => {
    leaves.get(name)?.()
    await settled()
  }
  await settled()
  return { entered, leave }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

it('admits its number of holders, and waiting callers in order as slots become free', async () => {
  const { entered, leave } = await enter(new Semaphore(2), 'a1', 'b1', 'c1', 'd1')
  expect(entered).toEqual(['a1', 'b1'])
  await leave('b1')
  expect(entered).toEqual(['a1', 'b1', 'c1'])
  await leave('a1')
  expect(entered).toEqual(['a1', 'b1', 'c1', 'd1'])
})

it('gives no slot to a caller that has given up', async () => {
  const semaphore = new Semaphore(1)
  const leave = await semaphore.acquire()
  const gaveUp = new AbortController()
  const first = semaphore.acquire(undefined, gaveUp.signal)
  const second = semaphore.acquire()
  gaveUp.abort(new Error('gave up'))
  await expect(first).rejects.toThrow('gave up')
  await expect(semaphore.acquire(undefined, gaveUp.signal)).rejects.toThrow('gave up')
  leave()
  const leaveSecond = await second
  leaveSecond()
  await semaphore.acquire()
})

it('keeps slots for other names if one name has reached its own limit', async () => {
  const { entered, leave } = await enter(new Semaphore(3, 2), 'a1', 'a2', 'a3', 'b1')
  expect(entered).toEqual(['a1', 'a2', 'b1'])
  await leave('b1')
  expect(entered).toEqual(['a1', 'a2', 'b1'])
  await leave('a1')
  expect(entered).toEqual(['a1', 'a2', 'b1', 'a3'])
})
