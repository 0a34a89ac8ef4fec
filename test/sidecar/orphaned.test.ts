import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { orphanedReason } from '../../sidecar/orphaned.ts'

/**
 * This process' parent stands for the supervisor, whose own parent is not a process of that number.
 */
const starter = '999999999'
const stateDirectory = tmpdir()

it.each([
  ['its starter has ended', { stateDirectory, starter, storing: false }, 'has ended'],
  ['its folder was removed', { stateDirectory: join(tmpdir(), 'none'), starter, storing: true }, 'removed'],
])('is orphaned where %s', (_, watched, why) => {
  expect(orphanedReason(watched)).toContain(why)
})

it.each([
  ['it is storing', { stateDirectory, starter, storing: true }],
  ['it has no supervisor', { stateDirectory, starter: undefined, storing: false }],
])('is not orphaned where %s', (_, watched) => {
  expect(orphanedReason(watched)).toBeUndefined()
})
