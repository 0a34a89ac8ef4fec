import { expect, it } from 'vitest'
import { NamedKeys } from '../../../src/lifecycle/janitor/named-keys.ts'
import type { Entry } from '../../../src/result-format/entry.ts'
import { openManifest } from '../../../src/result-format/manifest/manifest-reader.ts'
import { folderStore, putManifest } from '../../result-format/fixtures.ts'

it('has every key that a manifest names, and hardly any other', async () => {
  const entries = Array.from({ length: 5000 }, (_, n): Entry => {
    const path = `f${String(n).padStart(5, '0')}`
    if (n % 3 === 0) return { path, type: 'directory' }
    return { path, type: 'file', size: 1, sha256: '00', key: n % 2 ? path : `~${n}`, etag: 'e' }
  })
  const store = await folderStore()
  const manifest = await openManifest(store, await putManifest(store, entries))
  if (!manifest) throw new Error('no manifest')
  const named = await NamedKeys.of(manifest)
  const keys = entries.flatMap(({ key }) => key ?? [])
  expect(keys.filter((key) => !named.has(key))).toEqual([])
  expect(keys.map((key) => `${key}.1`).filter((key) => named.has(key))).toEqual([])
})

it('has no key of an empty manifest', async () => {
  const store = await folderStore()
  const manifest = await openManifest(store, await putManifest(store, []))
  expect(manifest && (await NamedKeys.of(manifest)).has('a')).toBe(false)
})
