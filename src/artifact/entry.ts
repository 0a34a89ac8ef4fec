/** What stands in a manifest for one name in the result directory; in one of inputs likewise. */
export interface Entry {
  /** Relative to the result directory; where its bytes are no UTF-8, `path_base64` stands instead. */
  path?: string
  path_base64?: string
  type: EntryType
  /** Bytes; files only. */
  size?: number
  /** Permission bits, four octal digits: `0644`. */
  mode?: string
  /** RFC 3339 in UTC with nine decimals: `2025-01-02T03:04:05.123456789Z`. */
  mtime?: string
  /** Lower-case hex; files whose bytes are in the store. */
  sha256?: string
  /** A symlink's target; `target_base64` where its bytes are no UTF-8. */
  target?: string
  target_base64?: string
  /** Why a file's bytes are not in the store, or what a skipped name is (`fifo`, `socket`, …). */
  error?: string
  /** Where the bytes lie, relative to the attempt's `files/` folder; with `offset` in a tar that files share. */
  key?: string
  /** First byte in the object, where files share one. */
  offset?: number
  /** The object's, when it was written: every read of it is conditional on it. */
  etag?: string
}

/** `skipped`: FIFOs, sockets and devices, whose content is no file. */
export type EntryType = 'file' | 'directory' | 'symlink' | 'skipped'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The path's bytes as they are on the file system. */
export function pathBytes(entry: Pick<Entry, 'path' | 'path_base64'>): Buffer {
  if (entry.path !== undefined) return Buffer.from(entry.path, 'utf8')
  return Buffer.from(entry.path_base64 ?? '', 'base64')
}

/** `{path}` or `{path_base64}` for a path's bytes. */
export function pathFields(bytes: Uint8Array): { path: string } | { path_base64: string } {
  const text = decodeUtf8(bytes)
  return text === undefined ? { path_base64: Buffer.from(bytes).toString('base64') } : { path: text }
}

/** `{target}` or `{target_base64}` for a symlink's target. */
export function targetFields(bytes: Uint8Array): { target: string } | { target_base64: string } {
  const text = decodeUtf8(bytes)
  return text === undefined ? { target_base64: Buffer.from(bytes).toString('base64') } : { target: text }
}

/** A symlink's target in bytes. */
export function targetBytes(entry: Pick<Entry, 'target' | 'target_base64'>): Buffer {
  if (entry.target !== undefined) return Buffer.from(entry.target, 'utf8')
  return Buffer.from(entry.target_base64 ?? '', 'base64')
}

/** The text, or undefined where the bytes are no UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
