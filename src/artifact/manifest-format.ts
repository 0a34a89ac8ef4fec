import type { Entry } from './entry.ts'
import type { ManifestHead } from './manifest.ts'

/**
 * The bytes of a manifest, NDJSON throughout: the head, the entries, an IndexPoint for every 1,000th entry from
 * the first on, and the foot: one line of exactly `footBytes` bytes, filled up with spaces before its line end.
 * Digests cover every part by itself, so that what a single ranged read brings can be trusted: the entries of a point
 * have theirs in the index, head and index have theirs in the foot.
 */
export const entriesPerPoint = 1000
export const footBytes = 256

/** A manifest that is not whole or not this program's; `key` is where it lies. */
export class DamagedManifest extends Error {
  readonly key: string

  constructor(key: string, problem: string, options?: { cause?: unknown }) {
    super(`${key} is damaged: ${problem}`, options)
    this.name = 'DamagedManifest'
    this.key = key
  }
}

/** Where in the object the entry of that path begins. */
export interface IndexPoint {
  /** Its number among the entries, from 0 on. */
  index: number
  offset: number
  path?: string
  path_base64?: string
  /** Lower-case hex, of the lines up to the next point; uploaders up to 0.1 wrote none. */
  sha256?: string
}

export interface Foot {
  /** First byte of the index. */
  index_offset: number
  /** Its bytes; the foot follows. */
  index_length: number
  /** Lower-case hex, of all before the foot. */
  sha256: string
  /** The same of the head's line and the index, one after the other; absent where the index has no digests. */
  ends_sha256?: string
}

export function encodeFoot(foot: Foot): Buffer {
  return Buffer.from(`${JSON.stringify(foot).padEnd(footBytes - 1)}\n`, 'utf8')
}

/** The foot, which must end an object of `size` bytes. */
export function decodeFoot(key: string, bytes: Uint8Array, size: number): Foot {
  const text = Buffer.from(bytes).toString('utf8')
  const foot = text.length === footBytes && text.endsWith('\n') ? parseJson(key, text, 'its foot') : undefined
  if (!isFoot(foot)) throw new DamagedManifest(key, 'it has no foot')
  if (foot.index_offset + foot.index_length + footBytes !== size) {
    throw new DamagedManifest(key, `its foot speaks of another size than its ${size} bytes`)
  }
  return foot
}

/** The head; `job` and `attempt` are what it must speak of. */
export function decodeHead(key: string, line: string, owner: { job: string; attempt: string }): ManifestHead {
  const head = parseJson(key, line, 'its head')
  if (!isRecord(head)) throw new DamagedManifest(key, 'its head is no object')
  if (head.version !== 1) throw new DamagedManifest(key, `it has version ${head.version}, known is 1`)
  if (head.job !== owner.job || head.attempt !== owner.attempt) {
    throw new DamagedManifest(key, `it is of job ${head.job}, attempt ${head.attempt}`)
  }
  if (!isHead(head)) throw new DamagedManifest(key, 'its head is not complete')
  return head
}

export function decodeEntry(key: string, line: string): Entry {
  const entry = parseJson(key, line, 'an entry')
  if (!isEntry(entry)) throw new DamagedManifest(key, `no entry: ${line.slice(0, 100)}`)
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function hasPath(value: Record<string, unknown>): boolean {
  return typeof value.path === 'string' || typeof value.path_base64 === 'string'
}

function isHead(value: unknown): value is ManifestHead {
  if (!isRecord(value) || typeof value.scan_started_at !== 'string') return false
  return [value.count, value.bytes, value.errors].every((number) => Number.isSafeInteger(number))
}

function isEntry(value: unknown): value is Entry {
  return isRecord(value) && typeof value.type === 'string' && hasPath(value)
}

function isPoint(value: unknown): value is IndexPoint {
  return (
    isRecord(value) && Number.isSafeInteger(value.offset) && hasPath(value) && isTextOrAbsent(value.sha256)
  )
}

function isFoot(value: unknown): value is Foot {
  if (!isRecord(value)) return false
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
