import type { ArtifactStore, GetOptions, ObjectBody, RelayedBody } from './store.ts'

/** ArtifactStore.relay(), by get() where the store has none. */
export async function relayed(store: ArtifactStore, key: string, options?: GetOptions): Promise<RelayedBody> {
  return (await store.relay?.(key, options)) ?? relayedOf(await store.get(key, options))
}

/** What get() gave, as relay() gives it. */
export function relayedOf({ stream, ...head }: ObjectBody): RelayedBody {
  return { ...head, chunks: stream, close: () => void stream.destroy() }
}
