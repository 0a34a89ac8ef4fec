import type { TextKind } from '../../util/text/text-kind.ts'
import type { Validators } from './conditional.ts'
import { fileContentType } from './content-type.ts'
import { dispositionOf, type ShownBy } from './disposition.ts'
import type { ReadableFile } from './readable-file.ts'

/** A file's validators. */
export function validatorsOf(file: ReadableFile, now = Date.now()): Validators {
  return { etag: `"${file.sha256}"`, lastModified: modifiedSeconds(file.mtime, now) }
}

/** The validators as headers of every answer for a file, including a 304. */
export function validatorHeaders({ etag, lastModified }: Validators): Record<string, string> {
  const date =
    lastModified === undefined ? {} : { 'Last-Modified': new Date(lastModified * 1000).toUTCString() }
  return { ETag: etag, ...date }
}

/** What the headers say of a file beside its bytes. */
export interface Described {
  /** Without folders. */
  name: string
  kind: TextKind | undefined
}

/** The headers that describe a file's content, sent by this API or by the store. */
export function contentHeaders(
  { sha256 }: ReadableFile,
  { name, kind }: Described,
  shownBy: ShownBy = 'api',
): Record<string, string> {
  const type = fileContentType(name, kind)
  return {
    'Content-Type': type,
    'Content-Disposition': dispositionOf(name, type, shownBy),
    'Repr-Digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
    'Accept-Ranges': 'bytes',
  }
}

/** The last name of a path, for callers: bytes that are not UTF-8 are replaced. */
export function lastName(path: Uint8Array): string {
  return Buffer.from(path).toString('utf8').replace(/^.*\//s, '')
}

/** RFC 9110 §8.8.2.1 forbids a Last-Modified in the future: undefined for such a file. */
function modifiedSeconds(mtime: string | undefined, now: number): number | undefined {
  const milliseconds = mtime === undefined ? Number.NaN : Date.parse(`${mtime.slice(0, 19)}Z`)
  return milliseconds <= now ? milliseconds / 1000 : undefined
}
