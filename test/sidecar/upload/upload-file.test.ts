import { type BigIntStats, openSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { ResultBudget } from '../../../sidecar/pass/result-budget.ts'
import { UploadProgress } from '../../../sidecar/progress/upload-progress.ts'
import { OpenFile } from '../../../sidecar/scan/open-file.ts'
import { StoreCalls } from '../../../sidecar/store/store-calls.ts'
import { Buffers, wholeBytes } from '../../../sidecar/upload/buffers.ts'
import type { Reading } from '../../../sidecar/upload/upload-context.ts'
import { mayChangeUnseen, uploadFile } from '../../../sidecar/upload/upload-file.ts'
import { noResultLimits } from '../../../src/result-format/result-limits.ts'
import { createFolderStore } from '../../../src/store/folder/folder.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

const openedAt = 1_800_000_000_000
const minute = 60_000

it.each<[what: string, changedAgo: number, modifiedAgo: number, flushed: boolean, unseen: boolean]>([
  ['a small file of an hour ago', 60 * minute, 60 * minute, false, false],
  ['a small file of just now', 3000, 3000, false, true],
  ['a small file of just now, its mtime set back', 3000, 60 * minute, false, true],
  ['a small file of an hour ago, its mtime set to the future', 60 * minute, -60 * minute, false, false],
  ['a large file at rest for half a second', 499.5, 499.5, true, false],
  ['a large file of this very moment', 50.5, 50.5, true, true],
  ['a large file at rest for half a second that could not be flushed', 499.5, 499.5, false, true],
  ['a large file of whole seconds, at rest for one', 1000, 1000, true, true],
  ['a large file of whole seconds, at rest for three', 3000, 3000, true, false],
])('%s', (_what, changedAgo, modifiedAgo, flushed, unseen) => {
  const at = (ago: number) => BigInt((openedAt - ago) * 1000) * 1000n
  const stat = { ctimeNs: at(changedAgo), mtimeNs: at(modifiedAgo) } as BigIntStats
  const reading = { stat } as Reading
  expect(mayChangeUnseen(reading, openedAt, { final: false, timesCanBeTrusted: true }, flushed)).toBe(unseen)
})

it('trusts the times of a large file that was at rest when it was flushed', async () => {
  expect(await sentWhile(async (_path, flush) => await flush())).not.toHaveProperty('verify')
})

it('has a large file compared again that was written to during its flush, however long that took', async () => {
  const line = await sentWhile(async (path, flush) => {
    writeFileSync(path, 'x', { flag: 'r+' })
    await sleep(restMs)
    return await flush()
  })
  expect(line).toHaveProperty('verify', true)
})

it('has a large file compared again that could not be flushed', async () => {
  expect(await sentWhile(async () => false)).toHaveProperty('verify', true)
})

const restMs = 300

/** A large file, at rest, sent while its worker runs. */
async function sentWhile(flush: (path: string, flush: () => Promise<boolean>) => Promise<boolean>) {
  const root = temporaryFolder()
  const path = join(root, 'large')
  writeFileSync(path, '')
  truncateSync(path, wholeBytes + 1)
  await sleep(restMs)
  class Flushed extends OpenFile {
    override flush() {
      return flush(path, () => super.flush())
    }
  }
  const file = new Flushed(openSync(path, 'r'))
  onTestFinished(() => file.close())
  const store = createFolderStore(join(root, 'store'))
  const sending = {
    store,
    calls: new StoreCalls('a folder'),
    buffers: new Buffers(),
    progress: new UploadProgress(),
  }
  const budget = new ResultBudget(noResultLimits)
  const options = { job: 'j', attempt: 'a', final: false, timesCanBeTrusted: true, keysInUse: [], budget }
  return await uploadFile('large', file, undefined, options, sending)
}
