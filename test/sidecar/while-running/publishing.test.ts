import { expect, it } from 'vitest'
import type { Words } from '../../../sidecar/results-context.ts'
import { Publishing } from '../../../sidecar/while-running/publishing.ts'

/** The requests of a worker, as its files tell them. */
function asking() {
  let wanted: number | undefined
  const answered: number[] = []
  const words = {
    get publishWanted() {
      return wanted
    },
    published: (at: number) => {
      answered.push(at)
      if (wanted === at) wanted = undefined
    },
  } as Words
  const ask = (at: number) => {
    wanted = at
  }
  return { publishing: new Publishing(words), ask, answered }
}

it('a worker that asks all the time is answered, every 10 s', () => {
  const { publishing, ask, answered } = asking()
  for (let now = 0; now <= 30_000; now += 250) {
    ask(now)
    if (!publishing.isDue(now)) continue
    publishing.begin(now, 0)
    publishing.end(true)
  }
  expect(answered).toHaveLength(3)
})

it('a request whose files have not settled is answered by another pass', () => {
  const { publishing, ask, answered } = asking()
  ask(0)
  expect(publishing.isDue(500)).toBe(false)
  ask(500)
  expect(publishing.isDue(700)).toBe(true)
  publishing.begin(700, 0)
  publishing.end(true)
  expect(answered).toEqual([0])
  expect(publishing.isDue(10_700)).toBe(true)
  publishing.begin(10_700, 0)
  publishing.end(true)
  expect(answered).toEqual([0, 500])
  expect(publishing.isDue(60_000)).toBe(false)
})
