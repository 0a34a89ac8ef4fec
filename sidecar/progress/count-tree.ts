import { setImmediate as nextTurn } from 'node:timers/promises'
import { Directory } from '../scan/directory.ts'
import { walk } from '../scan/walk.ts'

/** The files below a directory and their bytes; undefined where `enough` is aborted before, or it can't be read. */
export async function countTree(
  path: string,
  enough: AbortSignal,
): Promise<{ files: number; bytes: number } | undefined> {
  const total = { files: 0, bytes: 0 }
  let directory: Directory | undefined
  try {
    directory = Directory.open(path)
    let looked = 0
    for (const found of walk(directory)) {
      if (found.type === 'file') {
        total.files += 1
        total.bytes += Number(found.stat.size)
      }
      looked += 1
      if (looked % namesPerTurn === 0) await nextTurn()
      if (enough.aborted) return undefined
    }
    return total
  } catch {
    return undefined
  } finally {
    directory?.close()
  }
}

/** Looking is synchronous: what stores gets its turn in between. */
const namesPerTurn = 64
