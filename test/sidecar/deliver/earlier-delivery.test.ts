import { join } from 'node:path'
import { expect, it } from 'vitest'
import { EarlierDelivery } from '../../../sidecar/deliver/earlier-delivery.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { folderStore } from '../../support/store/folder-store.ts'

const file = { key: 'b', size: 1, sha256: '00', etag: '"1"' }

it.each([
  { path: 7 },
  { path: null, path_base64: 'YQ==' },
  { path_base64: {} },
  { path: 'a', key: 1 },
  { path: 'a', size: '1' },
])('a manifest at the target with %j says nothing of it, and rejects nothing', async (line) => {
  const store = await folderStore()
  const lines = [{ version: 1 }, line, { path: 'b', ...file }]
  await store.put('m', Buffer.from(lines.map((one) => `${JSON.stringify(one)}\n`).join('')))
  const earlier = await EarlierDelivery.open(store, 'm', join(temporaryFolder(), 'copy'))
  expect(await earlier?.find(Buffer.from('a'))).toBe(undefined)
  expect(await earlier?.find(Buffer.from('b'))).toEqual(file)
})
