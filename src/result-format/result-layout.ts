/**
 * Storage of a result's small files: one object each (`files`), together in tars (`packed`), or in
 * tars if there are many (`auto`). Readers don't need the layout: each manifest entry names the
 * object of its bytes.
 */
export const resultLayouts = ['files', 'packed', 'auto'] as const

export type ResultLayout = (typeof resultLayouts)[number]

/** The size and number of small files for which packing is used. */
export interface Packing {
  /** Bytes up to which a file is small; at most `largestPacked`. */
  fileBytes: number
  /** `auto` packs if there are more small files than this. */
  fromCount: number
}

/** docs/decisions/result-format/006-auto-is-the-default-layout.md has the measurements. */
export const defaultPacking: Packing = { fileBytes: 1024 * 1024, fromCount: 500 }
/** Maximum of `fileBytes`, for packs of 4 MiB (sidecar/pack/pack.ts). */
export const largestPacked = 2 * 1024 * 1024
