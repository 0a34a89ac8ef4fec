import { readWhole } from './read-whole.ts'
import { type ArtifactStore, isNotFound, isPreconditionFailed, type WriteOptions } from './store.ts'

/**
 * The JSON of an object; undefined if it does not exist. Rejects with StoreError or SyntaxError.
 */
export async function readJson(store: ArtifactStore, key: string): Promise<unknown> {
  return (await readVersion(store, key))?.value
}

/** As readJson(), with the ETag that replaceJson() takes. */
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

/**
 * Replaces the version with this `etag`, or creates the object if `etag` is undefined. Resolves
 * with false if the object has changed since.
 */
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
    if (isPreconditionFailed(error) || isNotFound(error)) return false
    throw error
  }
}

/** Creates the object; resolves with false if it exists. */
export async function createJson(store: ArtifactStore, key: string, value: unknown): Promise<boolean> {
  try {
    await putJson(store, key, value, { ifAbsent: true })
    return true
  } catch (error) {
    if (isPreconditionFailed(error)) return false
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
