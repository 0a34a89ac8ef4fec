import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { tailOf } from '../../../src/lifecycle/archive/log-tail.ts'
import { folderStore } from '../../support/store/folder-store.ts'

it.each([
  ['a\nb\nc\n', 1, 'c\n'],
  ['a\nb\nc\n', 2, 'b\nc\n'],
  ['a\nb\nc\n', 3, 'a\nb\nc\n'],
  ['a\nb\nc\n', 9, 'a\nb\nc\n'],
  ['a\nb\nc', 1, 'c'],
  ['a\nb\nc', 2, 'b\nc'],
  ['a\nb\nc\n', 0, ''],
  ['', 3, ''],
  ['\n\n\n', 2, '\n\n'],
])('gives of %j the last %d lines', async (log, lines, expected) => {
  const store = await folderStore()
  await store.put('log', Buffer.from(log))
  expect(await text(await tailOf(store, 'log', lines))).toBe(expected)
})

it('reads as far back as the lines go', async () => {
  const store = await folderStore()
  const lines = Array.from({ length: 50_000 }, (_, i) => `line ${i}\n`)
  await store.put('log', Buffer.from(lines.join('')))
  expect(await text(await tailOf(store, 'log', 30_000))).toBe(lines.slice(-30_000).join(''))
})
