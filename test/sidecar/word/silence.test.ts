import { expect, it } from 'vitest'
import { pauseBefore, silencePause } from '../../../sidecar/word/pace.ts'
import { Silence } from '../../../sidecar/word/silence.ts'

const at = (now: number, date = now) => ({ now, date })

function silentFor30Seconds(): Silence {
  const silence = new Silence(at(0))
  for (let second = 1; second <= 30; second += 1) silence.look(false, at(second * 1000))
  return silence
}

it('a silence grows from look to look, and ends with a change', () => {
  const silence = silentFor30Seconds()
  expect(silence.milliseconds).toBe(30_000)
  silence.look(true, at(31_000))
  expect(silence.milliseconds).toBe(0)
})

it.each([
  ['the program was stopped', at(36_000)],
  ['the machine was suspended', at(31_000, 3_600_000)],
  ['the clock was set ahead', at(31_000, 331_000)],
  ['the clock was set back', at(31_000, 1000)],
])('a silence begins anew after %s', (_, moment) => {
  const silence = silentFor30Seconds()
  silence.look(false, moment)
  expect(silence.milliseconds).toBe(0)
  silence.look(false, at(moment.now + 1000, moment.date + 1000))
  expect(silence.milliseconds).toBe(1000)
})

it('a silence goes on while the clock is only put right by little', () => {
  const silence = silentFor30Seconds()
  silence.look(false, at(31_000, 33_000))
  expect(silence.milliseconds).toBe(31_000)
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
