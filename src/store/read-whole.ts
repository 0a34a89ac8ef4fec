import { type ArtifactStore, type GetOptions, isNotFound, type ObjectHead } from './store.ts'

export interface ReadObject extends ObjectHead {
  /** The bytes of the range, or of the whole object; `size` is always the whole object's. */
  bytes: Buffer
}

/** Reads a small object, or a range of it, into memory. Rejects as ArtifactStore.get() does. */
export async function readWhole(
  store: ArtifactStore,
  key: string,
  options?: GetOptions,
): Promise<ReadObject> {
  const { etag, size, modified, stream } = await store.get(key, options)
  const chunks: Buffer[] = await stream.toArray(options?.signal && { signal: options.signal })
  return { etag, size, modified, bytes: Buffer.concat(chunks) }
}

/** The bytes of an object or a range of it; undefined if the object does not exist. */
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
