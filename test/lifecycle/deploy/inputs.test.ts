import { expect, it } from 'vitest'
import { Inputs } from '../../../src/lifecycle/deploy/inputs.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { createFolderStore } from '../../../src/store/folder/folder.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

const uuid = '11111111-1111-4111-8111-111111111111'
const settings = {
  type: 'settings' as const,
  ...{ timeout_seconds: 60, allow: '', allow_http: false, unpack_max_bytes: 1, unpack_max_entries: 1 },
}
const source = { type: 'source' as const, path: 'data', from: 'https://example.org/data' }

it('two creations of one request have lists of their own, and one removes its own alone', async () => {
  const store = createFolderStore(temporaryFolder())
  const creation = () => new Inputs({ store, uuid, maxBytes: 1000, hashOnly: false })
  const [first, second] = [creation(), creation()]
  const sources = [settings, source]
  const [list = '', other = ''] = [await first.storeAll([], sources), await second.storeAll([], sources)]
  await second.remove()
  expect(await store.head(jobKeys.inputList(uuid, list))).toBeDefined()
  expect(await store.head(jobKeys.inputList(uuid, other))).toBeUndefined()
})
