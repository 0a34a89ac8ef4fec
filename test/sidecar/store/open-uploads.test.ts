import { appendFileSync, mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { StateDirectory } from '../../../sidecar/state-directory.ts'
import { OpenUploads } from '../../../sidecar/store/open-uploads.ts'
import { createFolderStore } from '../../../src/artifact/folder.ts'

it('open uploads outlive programs, a line that was cut short included', async () => {
  const root = mkdtempSync(join(tmpdir(), 'jobferry-uploads-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const state = new StateDirectory(join(root, 'state'))
  const store = createFolderStore(join(root, 'store'))
  const open = (key: string) => new OpenUploads(state).tracked(store).createUpload(key, 5 * 1024 * 1024)
  const first = await open('first')
  const cut = '{"open":true,"key":"cut","id":"upl'
  appendFileSync(state.path('uploads.ndjson'), cut)
  const second = await open('second')
  const ids = () => new OpenUploads(state).list().map(({ id }) => id)
  expect(ids()).toEqual([first.id, second.id])
  await new OpenUploads(state).tracked(store).abortUpload(first)
  expect(ids()).toEqual([second.id])
  truncateSync(state.path('uploads.ndjson'), 10)
  expect(ids()).toEqual([])
})
