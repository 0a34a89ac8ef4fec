import { isHttpUrl, isRelativePath } from '../request/syntax.ts'
import { inputNameProblem } from './input-name.ts'

/** The parts of an input's `from`. A `key` that is empty or ends in a slash is a folder. */
export type SourceAddress =
  | { kind: 'http'; key: string }
  | { kind: 's3'; bucket: string; key: string }
  /** A path in the result of another job. */
  | { kind: 'job'; uuid: string; key: string }
  /** A kept input; `key` is its name. */
  | { kind: 'upload'; key: string }

/** Undefined if the text is no address that an input may come from. */
export function parseSource(from: string): SourceAddress | undefined {
  if (from.length > maxLength) return undefined
  const s3 = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.*)$/s.exec(from)
  if (s3 !== null) {
    const [, bucket = '', key = ''] = s3
    return isKey(key) ? { kind: 's3', bucket, key } : undefined
  }
  const job = /^job:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/(.*)$/s.exec(from)
  if (job !== null) {
    const [, uuid = '', key = ''] = job
    return isKey(key) ? { kind: 'job', uuid, key } : undefined
  }
  if (from.startsWith('upload:')) {
    const key = from.slice('upload:'.length)
    return inputNameProblem(key) === undefined ? { kind: 'upload', key } : undefined
  }
  if (!isHttpUrl(from)) return undefined
  const { username, password, pathname } = new URL(from)
  return username === '' && password === '' ? { kind: 'http', key: decoded(pathname) } : undefined
}

export const sourceExpected =
  'an https:// URL without user name and password, s3://bucket/key, job:<uuid>/path or upload:<name>, of at most 2048 characters'

/** Whether it is a folder of files: an http server has none. */
export function isFolder(source: SourceAddress): boolean {
  return source.kind !== 'http' && (source.key === '' || source.key.endsWith('/'))
}

/** The name at the end of the address: of a file, or of a folder. Empty if no file may have it. */
export function nameOf(source: SourceAddress): string {
  const path = isFolder(source) ? source.key.slice(0, -1) : source.key
  const name = path.slice(path.lastIndexOf('/') + 1)
  return isRelativePath(name) ? name : ''
}

/** For messages and records: a URL without its query, which may hold a signature. */
export function shownSource(from: string): string {
  const at = /^https?:/i.test(from) ? from.search(/[?#]/) : -1
  return at === -1 ? from : from.slice(0, at)
}

const maxLength = 2048

/** URLs would resolve `.` and `..`, also encoded ones. */
function isKey(key: string): boolean {
  return key === '' || isRelativePath(key.replace(/\/$/, ''))
}

/** Empty if no file may have the name at its end. */
function decoded(pathname: string): string {
  try {
    const last = decodeURIComponent(pathname.slice(pathname.lastIndexOf('/') + 1))
    return last.includes('/') ? '' : last
  } catch {
    return ''
  }
}
