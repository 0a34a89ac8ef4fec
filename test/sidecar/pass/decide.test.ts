import type { BigIntStats } from 'node:fs'
import { expect, it } from 'vitest'
import type { Joined } from '../../../sidecar/journal/join.ts'
import type { EntryLine } from '../../../sidecar/journal/line.ts'
import { type DecisionRules, decide } from '../../../sidecar/pass/decide.ts'
import type { Directory } from '../../../sidecar/scan/directory.ts'
import { fingerprint } from '../../../sidecar/scan/entry-of.ts'

const stat = { size: 1n, mtimeNs: 1n, ctimeNs: 1n, ino: 1n, mode: 0o644n } as BigIntStats
const found = { type: 'file' as const, path: 'a', name: 'a', stat, parent: {} as Directory }
const stored: EntryLine = { entry: { path: 'a', type: 'file', key: 'a' }, fingerprint: fingerprint(stat) }
const older: EntryLine = { ...stored, fingerprint: '0' }
const gone = { gone: { path: 'a', removed: true as const } }
const none = { selects: () => false }

it.each<[string, Omit<Joined, 'path'>, Partial<DecisionRules>, object]>([
  ['a new file is stored', { found }, {}, { action: 'store', known: undefined }],
  ['a changed file is stored', { found, checkpointed: older }, {}, { action: 'store', known: older }],
  ['an unchanged file is recorded as it is known', { found, checkpointed: stored }, {}, { line: stored }],
  [
    'what an interrupted pass stored is newer than the checkpoints',
    { found, checkpointed: older, recovered: stored },
    {},
    { line: { ...stored, changed: true } },
  ],
  [
    'a file whose bytes may have changed unseen is stored again after the end',
    { found, checkpointed: { ...stored, verify: true } },
    { final: true },
    { action: 'store' },
  ],
  [
    'a file whose bytes may have changed unseen is left alone before the end',
    { found, checkpointed: { ...stored, verify: true } },
    {},
    { action: 'record' },
  ],
  ['a new file that is not selected is skipped', { found }, none, { action: 'skip' }],
  [
    'a changed file that is not selected stays as it is known',
    { found, checkpointed: older },
    none,
    { line: older },
  ],
  ['a removed file is recorded as gone', { checkpointed: stored }, {}, { line: gone }],
  [
    'a file that an interrupted pass had found is recorded as gone',
    { recovered: stored },
    {},
    { line: gone },
  ],
  ['a path that was never known is skipped', {}, {}, { action: 'skip' }],
  [
    'a fifo is recorded with its reason',
    { found: { type: 'skipped', path: 'a', stat, error: 'fifo' }, checkpointed: stored },
    {},
    { line: { entry: { type: 'skipped', error: 'fifo' }, changed: true } },
  ],
])('%s', (_, joined, rules, expected) => {
  expect(decide({ path: 'a', ...joined }, { final: false, ...rules })).toMatchObject(expected)
})
