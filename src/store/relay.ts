import type { ArtifactStore, GetOptions, ObjectBody, SinkFor } from './store.ts'

/** Shorter bodies are read with get(): a buffer of relayBytes would be at least twice as large. */
export const relayFromBytes = 256 * 1024
/**
 * Size of the buffer that a relayed body passes through: it fits into a processor's second-level
 * cache, and few reads fill it. With half the size a GiB took 1.5 s instead of 1.2 to 1.3 s
 * (docs/benchmarks.md).
 */
export const relayBytes = 512 * 1024

/** ArtifactStore.relay(), or get() if the store has none. */
export async function relay(
  store: ArtifactStore,
  key: string,
  sinkFor: SinkFor,
  options?: GetOptions,
): Promise<void> {
  if (store.relay !== undefined) await store.relay(key, sinkFor, options)
  else await relayBody(await store.get(key, options), sinkFor)
}

/** Passes a body that get() returned to the sink, as relay() does. */
export async function relayBody({ stream, ...head }: ObjectBody, sinkFor: SinkFor): Promise<void> {
  try {
    const sink = sinkFor(head)
    for await (const chunk of stream) await sink(chunk as Buffer)
  } finally {
    stream.destroy()
  }
}
