import { expect, it } from 'vitest'
import { deliveredKey, deliveredManifestKey } from '../../../sidecar/deliver/delivered-keys.ts'
import { wantedBy } from '../../../sidecar/deliver/wanted-entries.ts'

const uuid = '11111111-2222-4333-8444-555555555555'

it('a file goes under its path, and under a digest where not every bucket can hold that', () => {
  const keyOf = (path: string) => deliveredKey(uuid, { type: 'file', path })
  expect(keyOf('a/ü b.csv')).toBe('a/ü b.csv')
  const odd = ['~a', 'a/\u0001', 'a/...', `${'n'.repeat(256)}`, deliveredManifestKey(uuid)]
  const keys = [...odd.map(keyOf), deliveredKey(uuid, { type: 'file', path_base64: 'YsM=' })]
  for (const key of keys) expect(key).toMatch(new RegExp(`^jobferry-${uuid}/[0-9a-f]{64}$`))
  expect(new Set(keys).size).toBe(keys.length)
})

it('what is included goes with all below it', () => {
  const wanted = wantedBy(['/d/', '*.csv'])
  const isWanted = (path: string, type: 'file' | 'directory' = 'file') => wanted({ type, path })
  expect(['a.csv', 'x/b.csv', 'd/e', 'd/e/f'].map((path) => isWanted(path))).toEqual(Array(4).fill(true))
  expect(['d', 'x/d/e', 'a.csv2'].map((path) => isWanted(path))).toEqual(Array(3).fill(false))
  expect(isWanted('d', 'directory')).toBe(true)
  expect(wantedBy(undefined)({ type: 'file', path: 'any' })).toBe(true)
})
