import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { forsaken } from '../../sidecar/forsaken.ts'

/** This process' parent stands for the supervisor, whose own parent is not a process of that number. */
const starter = '999999999'
const stateDirectory = tmpdir()

it.each([
  ['its starter has ended', { stateDirectory, starter, storing: false }, 'has ended'],
  ['its folder was removed', { stateDirectory: join(tmpdir(), 'none'), starter, storing: true }, 'removed'],
])('is forsaken where %s', (_, watched, why) => {
  expect(forsaken(watched)).toContain(why)
})

it.each([
  ['it is storing', { stateDirectory, starter, storing: true }],
  ['it has no supervisor', { stateDirectory, starter: undefined, storing: false }],
])('is not forsaken where %s', (_, watched) => {
  expect(forsaken(watched)).toBeUndefined()
})
