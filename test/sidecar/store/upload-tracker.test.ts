import { appendFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { StateDirectory } from '../../../sidecar/state-directory.ts'
import { UploadTracker } from '../../../sidecar/store/upload-tracker.ts'
import { createFolderStore } from '../../../src/store/folder/folder.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

it('open uploads outlive programs, even after a line that was cut off', async () => {
  const root = temporaryFolder()
  const state = new StateDirectory(join(root, 'state'))
  const store = createFolderStore(join(root, 'store'))
  const open = (key: string) => new UploadTracker(state).tracked(store).createUpload(key, 5 * 1024 * 1024)
  const first = await open('first')
  const cut = '{"open":true,"key":"cut","id":"upl'
  appendFileSync(state.path('uploads.ndjson'), cut)
  const second = await open('second')
  const ids = () => new UploadTracker(state).list().map(({ id }) => id)
  expect(ids()).toEqual([first.id, second.id])
  await new UploadTracker(state).tracked(store).abortUpload(first)
  expect(ids()).toEqual([second.id])
  truncateSync(state.path('uploads.ndjson'), 10)
  expect(ids()).toEqual([])
})
