import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { StoreCalls } from '../../../sidecar/store/store-calls.ts'
import { WorkerWords } from '../../../sidecar/word/worker-word.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { createFolderStore } from '../../../src/store/folder/folder.ts'
import { readIfAny } from '../../../src/store/read-whole.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { preparedFolder } from '../../support/store/folder-store.ts'
import { eventually } from '../../support/time/eventually.ts'
import { attempt, job } from '../uploader-process.ts'

/** A worker's files and a store that lets a write wait until `release`, as a slow one does. */
function slowStore() {
  const root = temporaryFolder()
  const store = createFolderStore(preparedFolder(join(root, 'store')))
  const released = Promise.withResolvers<void>()
  const cutOff: unknown[] = []
  let begun = 0
  const put: ArtifactStore['put'] = async (key, body, signal) => {
    begun += 1
    const content = Buffer.from(body)
    signal?.addEventListener('abort', () => cutOff.push(signal.reason))
    await released.promise
    return await store.put(key, content)
  }
  const directory = join(root, 'word')
  mkdirSync(directory)
  const lines: { word: object; silent_seconds?: number }[] = []
  const log = { info: (line: (typeof lines)[number]) => lines.push(line), debug: () => undefined }
  const words = new WorkerWords({
    ...{ directory, job, attempt, heartbeatSeconds: 3, publishes: false },
    store: { ...store, put },
    log: log as never,
  })
  const ended = new AbortController()
  onTestFinished(() => ended.abort())
  return {
    ...{ store, words, ended, lines, cutOff, release: released.resolve },
    begun: () => begun,
    say: (content: string) => writeFileSync(join(directory, 'values.json'), content),
  }
}

it('a silence is seen though the store lets the values wait', async () => {
  const { words, ended, lines, begun, say, release } = slowStore()
  say('{"a": 1}')
  const running = words.run(ended.signal)
  await eventually(() => expect(lines.at(-1)?.silent_seconds).toBeGreaterThanOrEqual(3))
  expect(begun()).toBe(1)
  release()
  await eventually(() => expect(lines.at(-1)?.word).toEqual({ values_bytes: 8 }))
  ended.abort()
  await running
})

it('the last values come after those that the store lets wait, which are not cut off', async () => {
  const { store, words, ended, begun, say, release, cutOff } = slowStore()
  say('{"a": 1}')
  const running = words.run(ended.signal)
  await eventually(() => expect(begun()).toBe(1))
  say('{"a": "last"}')
  ended.abort()
  await running
  const taking = words.take(new StoreCalls('store'))
  expect(begun()).toBe(1)
  release()
  expect(await taking).toBe(true)
  expect(cutOff).toEqual([])
  expect((await readIfAny(store, jobKeys.values(job, attempt)))?.toString()).toBe('{"a": "last"}')
})
