import { expect, it } from 'vitest'
import { deliveredKey, deliveredManifestKey } from '../../../sidecar/deliver/delivered-keys.ts'
import { wantedBy } from '../../../sidecar/deliver/wanted-entries.ts'

const uuid = '11111111-2222-4333-8444-555555555555'

it('a file goes under its path, and under a digest where not every bucket can hold that', () => {
  const keyOf = (path: string) => deliveredKey(uuid, 'p/', { type: 'file', path })
  expect(keyOf('a/ü b.csv')).toBe('a/ü b.csv')
  const ours = [deliveredManifestKey(uuid), keyOf('~a')]
  const odd = ['~a', 'a/\u0001', 'a/...', `${'n'.repeat(256)}`, ...ours]
  const keys = [...odd.map(keyOf), deliveredKey(uuid, 'p/', { type: 'file', path_base64: 'YsM=' })]
  for (const key of keys) expect(key).toMatch(new RegExp(`^jobferry-${uuid}/[0-9a-f]{64}$`))
  expect(new Set(keys).size).toBe(keys.length)
})

it('a file whose key would have more than 1024 bytes after the prefix goes under a digest', () => {
  const path = Array(4).fill('ü'.repeat(100)).join('/')
  const keyAfter = (bytes: number) => deliveredKey(uuid, `${'p'.repeat(bytes - 1)}/`, { type: 'file', path })
  const room = 1024 - Buffer.byteLength(path)
  expect(keyAfter(room)).toBe(path)
  expect(keyAfter(room + 1)).toMatch(/^jobferry-/)
})

it('what is included goes with all below it', () => {
  const wanted = wantedBy(['/d/', '*.csv'])
  const isWanted = (path: string, type: 'file' | 'directory' = 'file') => wanted({ type, path })
  expect(['a.csv', 'x/b.csv', 'd/e', 'd/e/f'].map((path) => isWanted(path))).toEqual(Array(4).fill(true))
  expect(['d', 'x/d/e', 'a.csv2'].map((path) => isWanted(path))).toEqual(Array(3).fill(false))
  expect(isWanted('d', 'directory')).toBe(true)
  expect(wantedBy(undefined)({ type: 'file', path: 'any' })).toBe(true)
})
