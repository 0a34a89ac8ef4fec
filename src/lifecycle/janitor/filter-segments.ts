import { type NamedJob, readSegment, segmentPrefix, writeSegments } from '../finding/segments.ts'
import { type JanitorParts, mayRemove } from './parts.ts'

/** Smaller segments are put together. */
const fewLines = 1000

/**
 * Removes what the filters' segments say of jobs that are gone, or say twice, by writing new
 * segments of the rest. A crash between the two leaves lines twice.
 */
export async function tidySegments(
  { store, records, ...parts }: JanitorParts,
  signal?: AbortSignal,
): Promise<void> {
  const keys: string[] = []
  for await (const { key } of store.list(segmentPrefix)) keys.push(key)
  if (keys.length === 0) return
  const missing = new Set<string>()
  for await (const { position } of records.list()) {
    missing.add(position)
    if (signal?.aborted) return
  }
  const replaced: { key: string; kept: NamedJob[]; isWhole: boolean }[] = []
  for (const key of keys) {
    const lines = await readSegment(store, key)
    const kept = lines.filter(({ position }) => missing.delete(position))
    const isWhole = kept.length === lines.length
    if (!isWhole || lines.length < fewLines) replaced.push({ key, kept, isWhole })
  }
  const isTidy = replaced.length === 1 && replaced[0]?.isWhole === true && replaced[0].kept.length > 0
  if (replaced.length === 0 || isTidy || parts.rules.dryRun) return
  if (signal?.aborted || !mayRemove({ store, records, ...parts })) return
  await writeSegments(
    store,
    replaced.flatMap(({ kept }) => kept),
  )
  await store.remove(replaced.map(({ key }) => key))
}
