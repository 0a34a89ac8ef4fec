import { readWhole } from '../artifact/read-whole.ts'
import { type ArtifactStore, isNotFound, isOccupied, type WriteOptions } from '../artifact/store.ts'

/** The JSON of an object in the store; undefined where there is none. Rejects with StoreError, or SyntaxError. */
export async function readJson(store: ArtifactStore, key: string): Promise<unknown> {
  return (await readVersion(store, key))?.value
}

/** As readJson(), with what replaceJson() knows the version by. */
export async function readVersion(
  store: ArtifactStore,
  key: string,
): Promise<{ value: unknown; etag: string } | undefined> {
  try {
    const { bytes, etag } = await readWhole(store, key)
    return { value: JSON.parse(bytes.toString('utf8')), etag }
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** Replaces the version that was read, undefined for none; false where it is not there any more. */
export async function replaceJson(
  store: ArtifactStore,
  key: string,
  value: unknown,
  etag: string | undefined,
): Promise<boolean> {
  try {
    await putJson(store, key, value, etag === undefined ? { ifAbsent: true } : { ifMatch: etag })
    return true
  } catch (error) {
    if (isOccupied(error) || isNotFound(error)) return false
    throw error
  }
}

export async function putJson(
  store: ArtifactStore,
  key: string,
  value: unknown,
  options: WriteOptions = {},
): Promise<void> {
  await store.put(key, Buffer.from(`${JSON.stringify(value)}\n`), undefined, options)
}
