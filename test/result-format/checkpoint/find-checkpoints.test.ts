import { describe, expect, it } from 'vitest'
import { findCheckpoints } from '../../../src/result-format/checkpoint/checkpoint.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { type ArtifactStore, StoreError } from '../../../src/store/store.ts'
import { attempt, folderStore, job, putCheckpoint } from '../fixtures.ts'

describe('findCheckpoints', () => {
  const keys = [1, 2, 3].map((number) => jobKeys.checkpoint(job, attempt, number))

  it('finds the checkpoints without a list request', async () => {
    const store = await folderStore()
    expect(await findCheckpoints(store, job, attempt)).toEqual([])
    for (const number of [1, 2, 3]) await putCheckpoint(store, number, [])
    expect(await findCheckpoints(store, job, attempt)).toEqual(keys)
  })

  /** A store whose HEAD is denied if `denied` is true, as AWS may answer for an absent object. */
  async function withDenials(denied: (key: string, heads: number) => boolean): Promise<ArtifactStore> {
    const store = await folderStore()
    for (const number of [1, 2, 3]) await putCheckpoint(store, number, [])
    let heads = 0
    const head: ArtifactStore['head'] = async (key, signal) => {
      heads += 1
      if (denied(key, heads)) throw new StoreError('denied', 'AccessDenied')
      return store.head(key, signal)
    }
    return { ...store, head }
  }

  it('treats a denial after the newest checkpoint as the absence of a further one', async () => {
    const store = await withDenials((key) => !keys.includes(key))
    expect(await findCheckpoints(store, job, attempt)).toEqual(keys)
  })

  it.each([
    ['from the first HEAD on', () => true],
    ['from the second HEAD on', (_: string, heads: number) => heads > 1],
  ])('rejects if every key is denied %s', async (_, denied) => {
    const found = findCheckpoints(await withDenials(denied), job, attempt)
    await expect(found).rejects.toMatchObject({ kind: 'denied' })
  })

  it('finds all if credentials were renewed between two HEADs', async () => {
    const store = await withDenials((_, heads) => heads === 2)
    expect(await findCheckpoints(store, job, attempt)).toEqual(keys)
  })
})
