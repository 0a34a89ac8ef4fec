import { isObject } from '../../util/objects.ts'
import type { Entry } from '../entry.ts'
import { problemOfLine } from '../entry-problem.ts'
import type { ManifestHead } from './manifest.ts'

/**
 * A manifest is NDJSON: the head, the entries, an IndexPoint for every 1,000th entry from the first
 * on, and the foot: one line of exactly `footBytes` bytes, padded with spaces before its line end.
 * Each part has a digest of its own, so that a single ranged read can be verified: the index has
 * the digests of the entries of each point, the foot has the one of head and index.
 */
export const entriesPerPoint = 1000
export const footBytes = 256

/** A manifest is incomplete or not in this program's format; `key` is the object's key. */
export class DamagedManifest extends Error {
  readonly key: string

  constructor(key: string, problem: string, options?: { cause?: unknown }) {
    super(`${key} is damaged: ${problem}`, options)
    this.name = 'DamagedManifest'
    this.key = key
  }
}

/** The offset in the object at which the entry of a path begins. */
export interface IndexPoint {
  /** The entry's number, from 0 on. */
  index: number
  offset: number
  path?: string
  path_base64?: string
  /**
   * SHA-256 of the lines up to the next point, in lower-case hex; absent from uploaders up to 0.1.
   */
  sha256?: string
}

export interface Foot {
  /** First byte of the index. */
  index_offset: number
  /** Bytes of the index; the foot follows it. */
  index_length: number
  /** SHA-256 of all bytes before the foot, in lower-case hex. */
  sha256: string
  /** SHA-256 of the head's line followed by the index; absent if the index has no digests. */
  ends_sha256?: string
}

export function encodeFoot(foot: Foot): Buffer {
  return Buffer.from(`${JSON.stringify(foot).padEnd(footBytes - 1)}\n`, 'utf8')
}

/** The foot of an object of `size` bytes. Throws DamagedManifest. */
export function decodeFoot(key: string, bytes: Uint8Array, size: number): Foot {
  const text = Buffer.from(bytes).toString('utf8')
  const foot = text.length === footBytes && text.endsWith('\n') ? parseJson(key, text, 'its foot') : undefined
  if (!isFoot(foot)) throw new DamagedManifest(key, 'it has no foot')
  if (foot.index_offset + foot.index_length + footBytes !== size) {
    throw new DamagedManifest(key, `its foot speaks of another size than its ${size} bytes`)
  }
  return foot
}

/** The head, which must name the job and attempt of `owner`. Throws DamagedManifest. */
export function decodeHead(key: string, line: string, owner: { job: string; attempt: string }): ManifestHead {
  const head = parseJson(key, line, 'its head')
  if (!isObject(head)) throw new DamagedManifest(key, 'its head is no object')
  if (head.version !== 1) throw new DamagedManifest(key, `it has version ${head.version}, known is 1`)
  if (head.job !== owner.job || head.attempt !== owner.attempt) {
    throw new DamagedManifest(key, `it is of job ${head.job}, attempt ${head.attempt}`)
  }
  if (!isHead(head)) throw new DamagedManifest(key, 'its head is not complete')
  return head
}

/** Throws DamagedManifest, also for a path that leads out of the results. */
export function decodeEntry(key: string, line: string): Entry {
  const entry = parseJson(key, line, 'an entry')
  if (!isEntry(entry)) throw new DamagedManifest(key, `no entry: ${line.slice(0, 100)}`)
  const problem = problemOfLine(entry)
  if (problem !== undefined) throw new DamagedManifest(key, problem)
  return entry
}

export function decodePoint(key: string, line: string): IndexPoint {
  const point = parseJson(key, line, 'its index')
  if (!isPoint(point)) throw new DamagedManifest(key, `no line of an index: ${line.slice(0, 100)}`)
  return point
}

function parseJson(key: string, text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new DamagedManifest(key, `${what} is no JSON`, { cause })
  }
}

function hasPath(value: Record<string, unknown>): boolean {
  return typeof value.path === 'string' || typeof value.path_base64 === 'string'
}

function isHead(value: unknown): value is ManifestHead {
  if (!isObject(value) || typeof value.scan_started_at !== 'string') return false
  return [value.count, value.bytes, value.errors].every((number) => Number.isSafeInteger(number))
}

function isEntry(value: unknown): value is Entry & Record<string, unknown> {
  return isObject(value) && typeof value.type === 'string' && hasPath(value)
}

function isPoint(value: unknown): value is IndexPoint {
  return (
    isObject(value) && Number.isSafeInteger(value.offset) && hasPath(value) && isTextOrAbsent(value.sha256)
  )
}

function isFoot(value: unknown): value is Foot {
  if (!isObject(value)) return false
  const numbers = [value.index_offset, value.index_length]
  return (
    numbers.every((n) => Number.isSafeInteger(n) && Number(n) >= 0) &&
    typeof value.sha256 === 'string' &&
    isTextOrAbsent(value.ends_sha256)
  )
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}
