import type { ArtifactStore } from '../../store/store.ts'

/** What was removed or, in a dry run, would be. */
export interface Amount {
  objects: number
  bytes: number
}

export interface RemoveOptions {
  /** True for keys that stay; default: none stays. */
  keep?: (key: string) => boolean
  /** Called before each bulk removal; false ends the removal. */
  goOn?: () => Promise<boolean>
  /** Counts and removes nothing. */
  dryRun?: boolean
}

/**
 * Removes the objects below a prefix, and lists again until none is left: MinIO doesn't list
 * objects below `a/` while there is an object `a`. Idempotent; a second call completes a first one
 * that failed.
 */
export async function removeListed(
  store: ArtifactStore,
  prefix: string,
  options: RemoveOptions = {},
): Promise<Amount> {
  const total: Amount = { objects: 0, bytes: 0 }
  for (;;) {
    const { objects, bytes, ended } = await removeOnce(store, prefix, options)
    total.objects += objects
    total.bytes += bytes
    if (objects === 0 || ended || options.dryRun) return total
  }
}

async function removeOnce(
  store: ArtifactStore,
  prefix: string,
  { keep, goOn, dryRun = false }: RemoveOptions,
): Promise<Amount & { ended: boolean }> {
  const amount = { objects: 0, bytes: 0, ended: false }
  let batch: { key: string; size: number }[] = []
  const flush = async () => {
    if (batch.length === 0) return
    if (goOn && !(await goOn())) {
      amount.ended = true
      return
    }
    if (!dryRun) await store.remove(batch.map(({ key }) => key))
    amount.objects += batch.length
    amount.bytes += batch.reduce((sum, { size }) => sum + size, 0)
    batch = []
  }
  for await (const object of store.list(prefix)) {
    if (keep?.(object.key)) continue
    batch.push(object)
    if (batch.length < 1000) continue
    await flush()
    if (amount.ended) return amount
  }
  await flush()
  return amount
}
