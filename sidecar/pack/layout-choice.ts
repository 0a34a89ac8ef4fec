import type { Packing, ResultLayout } from '../../src/result-format/result-layout.ts'
import type { Directory } from '../scan/directory.ts'
import { inTurns } from '../scan/in-turns.ts'
import { keepsAll, type OutputFilter } from '../scan/output-filter.ts'
import { walk } from '../scan/walk.ts'

/**
 * Whether the small files of an attempt are packed. With `auto` each pass counts them until one
 * pass finds many; then all later passes pack, even after the worker has removed files.
 */
export class LayoutChoice {
  readonly #layout: ResultLayout
  readonly #packing: Packing
  #isPacked: boolean

  constructor(layout: ResultLayout, packing: Packing) {
    this.#layout = layout
    this.#packing = packing
    this.#isPacked = layout === 'packed'
  }

  /** The size up to which files are packed now, in bytes; undefined where none are. */
  async packedBytes(
    directory: Directory | undefined,
    stopSignal: AbortSignal,
    filter: OutputFilter = keepsAll,
  ): Promise<number | undefined> {
    if (this.#layout === 'auto' && !this.#isPacked && directory !== undefined) {
      this.#isPacked = await hasMany(directory, this.#packing, stopSignal, filter)
    }
    return this.#isPacked ? this.#packing.fileBytes : undefined
  }
}

/** Stops counting as soon as the answer is known. */
async function hasMany(
  directory: Directory,
  { fileBytes, fromCount }: Packing,
  stopSignal: AbortSignal,
  filter: OutputFilter,
): Promise<boolean> {
  let small = 0
  for await (const found of inTurns(walk(directory, filter))) {
    if (found.type === 'file' && found.stat.size <= fileBytes) small += 1
    if (small > fromCount || stopSignal.aborted) break
  }
  return small > fromCount
}
