import type { BigIntStats } from 'node:fs'
import { expect, it } from 'vitest'
import type { Reading } from '../../../sidecar/upload/send.ts'
import { mayChangeUnseen } from '../../../sidecar/upload/send-file.ts'

const openedAt = 1_800_000_000_000
const minute = 60_000

it.each<[what: string, changedAgo: number, modifiedAgo: number, size: number, unseen: boolean]>([
  ['a small file of an hour ago', 60 * minute, 60 * minute, 5, false],
  ['a small file of just now', 3000, 3000, 5, true],
  ['a small file of just now, its mtime set back', 3000, 60 * minute, 5, true],
  ['a small file of an hour ago, its mtime set to the future', 60 * minute, -60 * minute, 5, false],
  ['a large file at rest for half a second', 499.5, 499.5, 2 ** 24, false],
  ['a large file of this very moment', 50.5, 50.5, 2 ** 24, true],
  ['a large file of whole seconds, at rest for one', 1000, 1000, 2 ** 24, true],
  ['a large file of whole seconds, at rest for three', 3000, 3000, 2 ** 24, false],
])('%s', (_what, changedAgo, modifiedAgo, size, unseen) => {
  const at = (ago: number) => BigInt((openedAt - ago) * 1000) * 1000n
  const stat = { size: BigInt(size), ctimeNs: at(changedAgo), mtimeNs: at(modifiedAgo) } as BigIntStats
  const reading = { stat } as Reading
  expect(mayChangeUnseen(reading, openedAt, { final: false, timesCanBeTrusted: true })).toBe(unseen)
})
