import { type ArtifactStore, type GetOptions, isNotFound, type ObjectHead } from './store.ts'

export interface ReadObject extends ObjectHead {
  /** The range's, else the object's; `size` is always the whole object's. */
  bytes: Buffer
}

/** An object, or the range of it, in memory: for small ones. Rejects as ArtifactStore.get() does. */
export async function readWhole(
  store: ArtifactStore,
  key: string,
  options?: GetOptions,
): Promise<ReadObject> {
  const { etag, size, modified, stream } = await store.get(key, options)
  const chunks: Buffer[] = await stream.toArray(options?.signal && { signal: options.signal })
  return { etag, size, modified, bytes: Buffer.concat(chunks) }
}

/** Its bytes; undefined where there is no such object. */
export async function readIfAny(
  store: ArtifactStore,
  key: string,
  options?: GetOptions,
): Promise<Buffer | undefined> {
  try {
    return (await readWhole(store, key, options)).bytes
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
