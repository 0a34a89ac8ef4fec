/** Large files are read in chunks of this size, several at once. */
export const chunkBytes = 16 * 2 ** 20

export interface Chunk {
  index: number
  start: number
  /** Byte after the last one. */
  end: number
}

export function chunkCount(size: number, chunk = chunkBytes): number {
  return Math.max(1, Math.ceil(size / chunk))
}

/** The chunks of a file that are not there yet; `done` has a 1 for each one that is. */
export function missingChunks(size: number, done: Uint8Array, chunk = chunkBytes): Chunk[] {
  return Array.from({ length: chunkCount(size, chunk) }, (_, index) => ({
    index,
    start: index * chunk,
    end: Math.min(size, (index + 1) * chunk),
  })).filter(({ index }) => done[index] !== 1)
}
