import { expect, it } from 'vitest'
import { pauseBefore, silencePause } from '../../../sidecar/word/pace.ts'
import { Silence } from '../../../sidecar/word/silence.ts'

it('a silence grows from look to look, and ends with a change', () => {
  const silence = new Silence(0)
  for (let second = 1; second <= 30; second += 1) silence.look(false, second * 1000)
  expect(silence.milliseconds).toBe(30_000)
  silence.look(true, 31_000)
  expect(silence.milliseconds).toBe(0)
})

it('the time in which nobody watched is no silence', () => {
  const silence = new Silence(0)
  silence.look(false, 3_600_000)
  expect(silence.milliseconds).toBe(5000)
  silence.look(false, 3_500_000)
  expect(silence.milliseconds).toBe(5000)
})

it('a word that changes all the time is said a few thousand times in a day, at first every 2 s', () => {
  let lines = 0
  for (let ran = 0; ran < 86_400_000; ran += pauseBefore('say', ran)) lines += 1
  expect(lines).toBeLessThan(5000)
  expect(pauseBefore('say', 60_000)).toBe(2000)
  expect(pauseBefore('store', 60_000)).toBe(5000)
  expect(pauseBefore('say', 86_400_000)).toBe(30_000)
})

it('a silence is said again in time for a short heartbeat, and not too often for a long one', () => {
  expect(silencePause(5000)).toBe(2500)
  expect(silencePause(3_600_000)).toBe(30_000)
})
