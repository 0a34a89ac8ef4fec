import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Packing, ResultLayout } from '../../src/artifact/result-layout.ts'
import type { Directory } from '../scan/directory.ts'
import { walk } from '../scan/walk.ts'

/** Whether small files are packed now; `auto` counts them, and stops where they are many. */
export async function packsNow(
  layout: ResultLayout,
  { fileBytes, fromCount }: Packing,
  directory: Directory | undefined,
  enough: AbortSignal,
): Promise<boolean> {
  if (layout !== 'auto') return layout === 'packed'
  if (directory === undefined) return false
  let small = 0
  let looked = 0
  for (const found of walk(directory)) {
    if (found.type === 'file' && found.stat.size <= fileBytes) small += 1
    if (small > fromCount || enough.aborted) break
    looked += 1
    if (looked % namesPerTurn === 0) await nextTurn()
  }
  return small > fromCount
}

/** Looking is synchronous: signals get their turn in between. */
const namesPerTurn = 64
