import { createHash } from 'node:crypto'
import { BrokenLines, chunkLength, lineBatches } from '../../util/lines.ts'
import { isObject } from '../../util/objects.ts'
import { jsonLine } from '../../util/text/json-line.ts'
import { problemOfLine } from '../entry-problem.ts'
import type { CheckpointHead, CheckpointLine } from '../manifest/manifest.ts'
import { comparePaths } from '../path-order.ts'

/** A checkpoint is incomplete or not in this program's format; `key` is the object's key. */
export class DamagedCheckpoint extends Error {
  readonly key: string

  constructor(key: string, problem: string, options?: { cause?: unknown }) {
    super(`${key} is damaged: ${problem}`, options)
    this.name = 'DamagedCheckpoint'
    this.key = key
  }
}

/** A checkpoint's last line; a checkpoint without it is cut short. */
interface End {
  end: true
  /** Number of lines between the head and this line. */
  count: number
  /** SHA-256 of all bytes before this line, in lower-case hex. */
  sha256: string
}

/**
 * The bytes of a checkpoint: its head, its lines and an End, one line of JSON each. Throws before
 * the End if `lines` are not sorted by their paths' bytes, with each path once.
 */
export async function* writeCheckpoint(
  head: CheckpointHead,
  lines: AsyncIterable<CheckpointLine>,
): AsyncGenerator<Buffer, void> {
  const hash = createHash('sha256')
  const encode = (text: string) => {
    const chunk = Buffer.from(text, 'utf8')
    hash.update(chunk)
    return chunk
  }
  let text = `${jsonLine(head)}\n`
  let count = 0
  let previous: CheckpointLine | undefined
  for await (const line of lines) {
    if (previous !== undefined && comparePaths(previous, line) >= 0) {
      throw new Error(`Checkpoint ${head.number}: its lines are not sorted by their paths' bytes`)
    }
    previous = line
    text += `${jsonLine(line)}\n`
    count += 1
    if (text.length < chunkLength) continue
    yield encode(text)
    text = ''
  }
  if (text !== '') yield encode(text)
  const end: End = { end: true, count, sha256: hash.digest('hex') }
  yield Buffer.from(`${jsonLine(end)}\n`, 'utf8')
}

export interface ParsedCheckpoint {
  head: CheckpointHead
  /** May be iterated once; throws DamagedCheckpoint if the checkpoint is incomplete. */
  batches: AsyncGenerator<CheckpointLine[], void>
}

/**
 * Parses a checkpoint's bytes; rejects with DamagedCheckpoint. A caller that stops early must
 * destroy the source.
 */
export async function parseCheckpoint(
  key: string,
  source: AsyncIterable<Uint8Array>,
): Promise<ParsedCheckpoint> {
  const lines = damageNamed(key, lineBatches(source))
  const first = await lines.next()
  const [headLine = '', ...rest] = first.done === true ? [] : first.value
  const head = parse(key, headLine)
  if (!isHead(head)) {
    await lines.return()
    throw new DamagedCheckpoint(key, 'it has no head of version 1')
  }
  return { head, batches: linesBehind(key, headLine, rest, lines) }
}

async function* linesBehind(
  key: string,
  headLine: string,
  first: string[],
  others: AsyncGenerator<string[], void>,
): AsyncGenerator<CheckpointLine[], void> {
  const hash = createHash('sha256').update(`${headLine}\n`)
  let count = 0
  let last: string | undefined
  for await (const texts of chain(first, others)) {
    // Keep the last line of each batch until the next batch: only the very last line is the End.
    const known = last === undefined ? texts.slice(0, -1) : [last, ...texts.slice(0, -1)]
    last = texts.at(-1)
    if (known.length === 0) continue
    hash.update(`${known.join('\n')}\n`)
    count += known.length
    yield known.map((text) => lineOf(key, text))
  }
  const end = last === undefined ? undefined : parse(key, last)
  if (!isEnd(end)) throw new DamagedCheckpoint(key, 'it is cut short')
  if (end.count !== count || end.sha256 !== hash.digest('hex')) {
    throw new DamagedCheckpoint(key, 'its lines are not those that were written')
  }
}

async function* chain<T>(first: T[], others: AsyncIterable<T[]>): AsyncGenerator<T[], void> {
  if (first.length > 0) yield first
  yield* others
}

async function* damageNamed<T>(key: string, source: AsyncIterable<T>): AsyncGenerator<T, void> {
  try {
    yield* source
  } catch (error) {
    throw error instanceof BrokenLines ? new DamagedCheckpoint(key, error.message, { cause: error }) : error
  }
}

function lineOf(key: string, text: string): CheckpointLine {
  const line = parse(key, text)
  if (!isLine(line)) throw new DamagedCheckpoint(key, `no line of a checkpoint: ${text.slice(0, 100)}`)
  const problem = problemOfLine(line)
  if (problem !== undefined) throw new DamagedCheckpoint(key, problem)
  return line
}

function parse(key: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new DamagedCheckpoint(key, 'a line of it is no JSON', { cause })
  }
}

function isHead(value: unknown): value is CheckpointHead {
  if (!isObject(value) || value.version !== 1 || typeof value.scan_started_at !== 'string') return false
  return Number.isSafeInteger(value.number) && Array.isArray(value.uploads)
}

function isLine(value: unknown): value is CheckpointLine & Record<string, unknown> {
  if (!isObject(value) || (typeof value.type !== 'string' && value.removed !== true)) return false
  return typeof value.path === 'string' || typeof value.path_base64 === 'string'
}

function isEnd(value: unknown): value is End {
  return isObject(value) && value.end === true && typeof value.sha256 === 'string'
}
