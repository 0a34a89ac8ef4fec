import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { createShelves } from '../../../src/lifecycle/uploads/shelves.ts'
import { createUploads } from '../../../src/lifecycle/uploads/uploads.ts'
import { uploadKeys } from '../../../src/result-format/upload-keys.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { describeOnMinio } from '../../support/store/describe-on-minio.ts'
import { keysOf } from '../../support/store/folder-store.ts'

const always = () => undefined
const replicaOf = (store: ArtifactStore) =>
  createUploads({ store, shelves: createShelves(store), maxBytes: 2 ** 30, most: 100 })

describeOnMinio((newStore) => {
  it('uploads through two replicas at the same moment are all kept, the same bytes once', async () => {
    const store = await newStore()
    const replicas = [replicaOf(store), replicaOf(store)]
    const large = randomBytes(20 * 2 ** 20)
    const names = Array.from({ length: 6 }, (_, n) => `n${n}`)
    await Promise.all(
      replicas.flatMap((uploads, replica) =>
        names.map((name) => uploads.put('a', `${name}-${replica}`, Readable.from([large]), always)),
      ),
    )
    const { uploads: found } = await replicaOf(store).list('a', { limit: 100 })
    expect(found).toHaveLength(12)
    expect(new Set(found.map(({ content }) => content)).size).toBe(1)
    const contents = await keysOf(store, uploadKeys.contents)
    expect(contents).toHaveLength(1)
    const bytes = await buffer((await store.get(contents[0] ?? '')).stream)
    expect(bytes.equals(large)).toBe(true)
  })

  it('of two that replace nothing one is refused, and leaves nothing', async () => {
    const store = await newStore()
    const onlyNew = (there: unknown) => {
      if (there !== undefined) throw new Error('it is there')
    }
    const put = (content: string) =>
      replicaOf(store).put('a', 'name', Readable.from([Buffer.from(content)]), onlyNew)
    const ends = await Promise.allSettled(['one', 'two'].map(put))
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await keysOf(store, uploadKeys.contents)).toHaveLength(1)
  })
})
