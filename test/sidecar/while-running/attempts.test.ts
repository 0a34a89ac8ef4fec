import { expect, it } from 'vitest'
import { Attempts } from '../../../sidecar/while-running/attempts.ts'

it('counts how often a file was sent again, and refuses files beyond its limit', () => {
  const attempts = new Attempts()
  expect([attempts.of('a'), attempts.note('a'), attempts.note('a'), attempts.of('a')]).toEqual([
    0,
    true,
    true,
    2,
  ])
  for (let index = 1; index < 10_000; index += 1) attempts.note(String(index))
  expect([attempts.note('one too many'), attempts.of('one too many'), attempts.note('a')]).toEqual([
    false,
    0,
    true,
  ])
})
