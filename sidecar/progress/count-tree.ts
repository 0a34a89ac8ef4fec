import { inTurns } from '../scan/in-turns.ts'
import { openTree } from '../scan/open-tree.ts'
import type { OutputFilter } from '../scan/output-filter.ts'

/**
 * The files below a directory and their bytes; undefined if `stopSignal` is aborted before, or if
 * it can't be read.
 */
export async function countTree(
  path: string,
  filter: OutputFilter,
  stopSignal: AbortSignal,
): Promise<{ files: number; bytes: number } | undefined> {
  const total = { files: 0, bytes: 0 }
  try {
    using tree = openTree(path, filter)
    if (tree.directory === undefined) return undefined
    for await (const found of inTurns(tree.scan)) {
      if (found.type === 'file') {
        total.files += 1
        total.bytes += Number(found.stat.size)
      }
      if (stopSignal.aborted) return undefined
    }
    return total
  } catch {
    return undefined
  }
}
