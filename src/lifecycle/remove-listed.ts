import type { ArtifactStore } from '../artifact/store.ts'

/** What was removed, or would be. */
export interface Amount {
  objects: number
  bytes: number
}

export interface RemoveOptions {
  /** Objects that stay; default: none. */
  keep?: (key: string) => boolean
  /** Asked before each bulk removal; it ends where the answer is no. */
  goOn?: () => Promise<boolean>
  /** Only counts. */
  dryRun?: boolean
}

/**
 * Removes what is listed below a prefix, again until nothing is: MinIO hides what lies below `a/` while there is an
 * object `a` (tried). Idempotent; begun again it finishes.
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
