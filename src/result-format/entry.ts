/** A manifest's entry for one name in the result directory or among the inputs. */
export interface Entry {
  /** Relative to the result directory; `path_base64` replaces it if the bytes are not UTF-8. */
  path?: string
  path_base64?: string
  type: EntryType
  /** Bytes; files only. */
  size?: number
  /** Permission bits, four octal digits: `0644`. */
  mode?: string
  /** RFC 3339 in UTC with nine decimals: `2025-01-02T03:04:05.123456789Z`. */
  mtime?: string
  /** Lower-case hex; only for files whose bytes are in the store. */
  sha256?: string
  /** A symlink's target; `target_base64` replaces it if the bytes are not UTF-8. */
  target?: string
  target_base64?: string
  /**
   * Reason for a file's bytes missing in the store, or a skipped name's type (`fifo`, `socket`, …).
   */
  error?: string
  /**
   * Key of the object with the bytes, relative to the attempt's `files/`; with `offset`, of a pack.
   */
  key?: string
  /** Offset of the file's first byte in a pack, a tar that files share. */
  offset?: number
  /** ETag of the object when it was written; every read of the object is conditional on it. */
  etag?: string
}

/** `skipped`: FIFOs, sockets and devices, which have no file content. */
export type EntryType = 'file' | 'directory' | 'symlink' | 'skipped'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The path's bytes as the file system has them. */
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

/** The text, or undefined if the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
