import { describe, expect, it } from 'vitest'
import { findCheckpoints } from '../../src/artifact/checkpoint.ts'
import { layout } from '../../src/artifact/layout.ts'
import { type ArtifactStore, StoreError } from '../../src/artifact/store.ts'
import { attempt, folderStore, job, putCheckpoint } from './fixtures.ts'

describe('findCheckpoints', () => {
  const keys = [1, 2, 3].map((number) => layout.checkpoint(job, attempt, number))

  it('finds them without a listing', async () => {
    const store = await folderStore()
    expect(await findCheckpoints(store, job, attempt)).toEqual([])
    for (const number of [1, 2, 3]) await putCheckpoint(store, number, [])
    expect(await findCheckpoints(store, job, attempt)).toEqual(keys)
  })

  /** What a store says of each look, `denied` being AWS' word for what is not there too. */
  async function withDenials(denied: (key: string, looks: number) => boolean): Promise<ArtifactStore> {
    const store = await folderStore()
    for (const number of [1, 2, 3]) await putCheckpoint(store, number, [])
    let looks = 0
    const head: ArtifactStore['head'] = async (key, signal) => {
      looks += 1
      if (denied(key, looks)) throw new StoreError('denied', 'AccessDenied')
      return store.head(key, signal)
    }
    return { ...store, head }
  }

  it('takes a denial behind the newest for its absence', async () => {
    const store = await withDenials((key) => !keys.includes(key))
    expect(await findCheckpoints(store, job, attempt)).toEqual(keys)
  })

  it.each([
    ['from the first look on', () => true],
    ['from the second look on', (_: string, looks: number) => looks > 1],
  ])('rejects where credentials are denied everything %s', async (_, denied) => {
    const found = findCheckpoints(await withDenials(denied), job, attempt)
    await expect(found).rejects.toMatchObject({ kind: 'denied' })
  })

  it('finds all where credentials were renewed between two looks', async () => {
    const store = await withDenials((_, looks) => looks === 2)
    expect(await findCheckpoints(store, job, attempt)).toEqual(keys)
  })
})
