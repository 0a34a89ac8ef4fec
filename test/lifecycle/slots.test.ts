import { expect, it } from 'vitest'
import { Slots } from '../../src/lifecycle/slots.ts'

/** Who is in, in the order of their coming, and how each leaves. */
async function enter(slots: Slots, ...names: string[]) {
  const entered: string[] = []
  const leaves = new Map<string, () => void>()
  for (const name of names) {
    // `a1` and `a2` are of one name.
    void slots.take(name.slice(0, 1)).then((leave) => {
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

it('lets so many in at once and the others as soon as there is room, who came first before', async () => {
  const { entered, leave } = await enter(new Slots(2), 'a1', 'b1', 'c1', 'd1')
  expect(entered).toEqual(['a1', 'b1'])
  await leave('b1')
  expect(entered).toEqual(['a1', 'b1', 'c1'])
  await leave('a1')
  expect(entered).toEqual(['a1', 'b1', 'c1', 'd1'])
})

it('keeps room for others where one name has all that it may have', async () => {
  const { entered, leave } = await enter(new Slots(3, 2), 'a1', 'a2', 'a3', 'b1')
  expect(entered).toEqual(['a1', 'a2', 'b1'])
  await leave('b1')
  expect(entered).toEqual(['a1', 'a2', 'b1'])
  await leave('a1')
  expect(entered).toEqual(['a1', 'a2', 'b1', 'a3'])
})
