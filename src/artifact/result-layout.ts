/**
 * How a result's small files lie in the store: an object each, together in tars, or so where they are many. Readers
 * need not know: a manifest's entries say where each file's bytes are.
 */
export const resultLayouts = ['files', 'packed', 'auto'] as const

export type ResultLayout = (typeof resultLayouts)[number]

/** What is packed, and from when on with `auto`. */
export interface Packing {
  /** Files up to this size are small; at most `largestPacked`. */
  fileBytes: number
  /** More than so many small files are many. */
  fromCount: number
}

export const defaultPacking: Packing = { fileBytes: 1024 * 1024, fromCount: 1000 }
/** A pack must hold it (sidecar/pack/pack.ts). */
export const largestPacked = 2 * 1024 * 1024
