import mime from 'mime'
import { pathBytes } from '../artifact/entry.ts'
import type { Validators } from './conditional.ts'
import { dispositionOf, type ShownBy } from './disposition.ts'
import type { ReadableFile } from './readable-file.ts'

/** What a file is compared by. */
export function validatorsOf(file: ReadableFile, now = Date.now()): Validators {
  return { etag: `"${file.sha256}"`, lastModified: modifiedSeconds(file.mtime, now) }
}

/** The fields of every answer about a file, a 304 included. */
export function validatorHeaders({ etag, lastModified }: Validators): Record<string, string> {
  const date =
    lastModified === undefined ? {} : { 'Last-Modified': new Date(lastModified * 1000).toUTCString() }
  return { ETag: etag, ...date }
}

/** The fields that describe a file's content, by whomever it is sent. */
export function contentHeaders(file: ReadableFile, shownBy: ShownBy = 'api'): Record<string, string> {
  const name = pathBytes(file).toString('utf8').replace(/^.*\//s, '')
  const type = contentType(name)
  return {
    'Content-Type': type,
    'Content-Disposition': dispositionOf(name, type, shownBy),
    'Repr-Digest': `sha-256=:${Buffer.from(file.sha256, 'hex').toString('base64')}:`,
    'Accept-Ranges': 'bytes',
  }
}

/** By the extension alone; `mime` takes a name without one for an extension unless it sees a folder before it. */
function contentType(name: string): string {
  const type = mime.getType(`/${name}`) ?? 'application/octet-stream'
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type
}

/** RFC 9110 §8.8.2.1 forbids a Last-Modified in the future: such a file has none. */
function modifiedSeconds(mtime: string | undefined, now: number): number | undefined {
  const milliseconds = mtime === undefined ? Number.NaN : Date.parse(`${mtime.slice(0, 19)}Z`)
  return milliseconds <= now ? milliseconds / 1000 : undefined
}
