import { type ArtifactStore, isNotFound } from '../artifact/store.ts'

/** The JSON of an object in the store; undefined where there is none. Rejects with StoreError, or SyntaxError. */
export async function readJson(store: ArtifactStore, key: string): Promise<unknown> {
  try {
    const { stream } = await store.get(key)
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(chunk as Buffer)
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

export async function putJson(
  store: ArtifactStore,
  key: string,
  value: unknown,
  options: { ifAbsent?: boolean } = {},
): Promise<void> {
  await store.put(key, Buffer.from(`${JSON.stringify(value)}\n`), undefined, options)
}
