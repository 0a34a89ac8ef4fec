/** The operator's bounds of one result. */
export interface ResultLimits {
  /** RESULT_MAX_BYTES: bytes of all files that are stored; a file with several hard links counts once. */
  maxBytes: number
  /** RESULT_MAX_ENTRIES: files, folders, links and skipped names. */
  maxEntries: number
}

/** docs/decisions/upload/010-a-result-has-a-size.md has the reasons. */
export const defaultResultLimits: ResultLimits = { maxBytes: 5 * 2 ** 40, maxEntries: 10_000_000 }

/** For pods of versions without limits. */
export const noResultLimits: ResultLimits = {
  maxBytes: Number.POSITIVE_INFINITY,
  maxEntries: Number.POSITIVE_INFINITY,
}

/** A limit that a result has reached, in its manifest's head. */
export interface ReachedLimit {
  /** The setting. */
  name: 'RESULT_MAX_BYTES' | 'RESULT_MAX_ENTRIES'
  value: number
  /** Files whose bytes are left out, or names that are no entries. */
  left_out: number
  /** The path of the first one, for messages (shown-path.ts). */
  first: string
}

/** The uploader's variables for the limits, if there are any; sidecar/read-uploader-settings.ts reads them. */
export function limitVariables(limits: ResultLimits | undefined): Record<string, string> {
  if (limits === undefined) return {}
  const { maxBytes, maxEntries } = limits
  return { RESULT_MAX_BYTES: String(maxBytes), RESULT_MAX_ENTRIES: String(maxEntries) }
}
