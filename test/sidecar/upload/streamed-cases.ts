import { createHash, randomBytes } from 'node:crypto'
import { openSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { UploadProgress } from '../../../sidecar/progress/upload-progress.ts'
import { OpenFile } from '../../../sidecar/scan/open-file.ts'
import { StoreCalls } from '../../../sidecar/store/store-calls.ts'
import { Buffers } from '../../../sidecar/upload/buffers.ts'
import { sendStreamed } from '../../../sidecar/upload/send-streamed.ts'
import { ChangedWhileRead } from '../../../sidecar/upload/upload-context.ts'
import { type ArtifactStore, StoreError } from '../../../src/store/store.ts'
import { newAttempt } from '../uploader-process.ts'

const partSize = 5 * 1024 * 1024
const key = 'jobs/j/a/files/huge'

/** The cases of sending parts that are read as they are sent, on a store. */
export function streamedCases(newStore: () => Promise<ArtifactStore>): void {
  it('a file is sent in parts that are never in memory, and has the digest of its bytes', async () => {
    const store = await newStore()
    const bytes = randomBytes(2 * partSize + 12_345)
    const { sha256, etag } = await send(store, fileOf(bytes))
    expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
    const { stream } = await store.get(key, { ifMatch: etag })
    expect(bytes.equals(await buffer(stream))).toBe(true)
  })

  it('a part that broke off is read and sent again', async () => {
    const store = await newStore()
    let broken = 0
    const breaking: ArtifactStore = {
      ...store,
      putPart: async (upload, number, body, ...rest) => {
        if (number !== 2 || broken > 0) return await store.putPart(upload, number, body, ...rest)
        broken += 1
        if (!('pieces' in body)) throw new Error('the part is in memory')
        for await (const _ of body.pieces()) break
        throw new StoreError('unavailable', 'reset')
      },
    }
    const bytes = randomBytes(2 * partSize)
    await send(breaking, fileOf(bytes))
    expect(broken).toBe(1)
    expect(bytes.equals(await buffer((await store.get(key)).stream))).toBe(true)
  })

  it.each([
    ['is overwritten', (path: string) => writeFileSync(path, randomBytes(2 * partSize))],
    ['is truncated', (path: string) => truncateSync(path, 10)],
  ])('a file that %s after its sums were made is given up, and no upload stays', async (_, change) => {
    const store = await newStore()
    const file = fileOf(randomBytes(2 * partSize))
    let dropped: boolean | undefined
    const changing: ArtifactStore = {
      ...store,
      putPart: async (...args) => {
        change(file.path)
        return await store.putPart(...args)
      },
      abortUpload: async (...args) => {
        dropped = await store.abortUpload(...args)
        return dropped
      },
    }
    await expect(send(changing, file)).rejects.toBeInstanceOf(ChangedWhileRead)
    expect(dropped).toBe(true)
    expect(await store.head(key)).toBeUndefined()
  })
}

function fileOf(bytes: Buffer) {
  const path = join(newAttempt().result, 'huge')
  writeFileSync(path, bytes)
  const file = new OpenFile(openSync(path, 'r'))
  onTestFinished(() => file.close())
  return { path, file }
}

function send(store: ArtifactStore, { file }: { file: OpenFile }) {
  const calls = new StoreCalls('store')
  const context = { store, calls, buffers: new Buffers(), progress: new UploadProgress() }
  return sendStreamed({ file, stat: file.stat(), name: '"huge"' }, key, partSize, context)
}
