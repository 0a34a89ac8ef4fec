import { createHash, hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Entry } from '../artifact/entry.ts'
import { layout } from '../artifact/layout.ts'
import { relayed } from '../artifact/relay.ts'
import { type ArtifactStore, type GetOptions, type RelayedBody, StoreError } from '../artifact/store.ts'
import { Problem } from '../errors.ts'
import type { Log } from '../log.ts'
import { type Damages, damageOf } from './damages.ts'
import { storeProblem } from './opened.ts'
import { type ReadableFile, shownPath } from './readable-file.ts'

/** Where an attempt's files lie and who is told of damage. */
export interface FileSource {
  store: ArtifactStore
  uuid: string
  attempt: string
  /** The job isn't final: its files may be replaced at any time. */
  provisional?: boolean
  log: Log
  damages: Damages
}

/** Files up to this size are read before any of it is sent: what is damaged is an error then, not an answer cut off. */
const heldBytes = 256 * 1024

/**
 * All bytes of a file. The last chunk comes only once length and SHA-256 are those of the manifest; else it ends
 * with a Problem `result-damaged`, `unavailable` where the store fails. A chunk is valid until the next one is asked for.
 */
export async function* wholeFile(
  source: FileSource,
  file: ReadableFile,
  signal?: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const whole = { start: 0, length: file.size }
  if (file.size <= heldBytes) {
    yield checked(source, file, await inMemory(partOfFile(source, file, whole, signal), file.size))
    return
  }
  const digest = createHash('sha256')
  let left = file.size
  for await (const chunk of partOfFile(source, file, whole, signal)) {
    digest.update(chunk)
    left -= chunk.length
    if (left === 0) check(source, file, digest.digest('hex'))
    yield chunk
  }
}

/** A file's bytes, read already; throws as wholeFile() ends where they aren't those of the manifest. */
export function checked(source: FileSource, file: ReadableFile, bytes: Buffer): Buffer {
  check(source, file, hash('sha256', bytes, 'hex'))
  return bytes
}

function check(source: FileSource, file: ReadableFile, sha256: string): void {
  if (sha256 !== file.sha256) throw damaged(source, file, 'its SHA-256 is another one')
  source.damages.clear(source.attempt, file)
}

/** Some bytes of a file, whose object is the one that the manifest names; ends as wholeFile does. */
export async function* partOfFile(
  source: FileSource,
  file: ReadableFile,
  part: { start: number; length: number },
  signal?: AbortSignal,
): AsyncGenerator<Buffer, void> {
  let left = part.length
  for await (const chunk of chunksOf(source, file, part, signal)) {
    left -= chunk.length
    if (left < 0) break
    yield chunk
  }
  if (left !== 0) throw damaged(source, file, `${part.length - left} of ${part.length} bytes came`)
}

/** So many bytes that end as wholeFile() does, in memory of their own. */
export async function inMemory(chunks: AsyncIterable<Buffer>, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  for await (const chunk of chunks) filled += chunk.copy(bytes, filled)
  return bytes
}

/** Goes on where the store broke off: the object is the same, its ETag being a condition of every read. */
async function* chunksOf(
  source: FileSource,
  file: ReadableFile,
  part: { start: number; length: number },
  signal?: AbortSignal,
): AsyncGenerator<Buffer, void> {
  let { start, length } = part
  let fruitless = 0
  while (length > 0) {
    try {
      const body = await openObject(source, file, { start, length }, signal)
      for await (const chunk of body.chunks) {
        start += chunk.length
        length -= chunk.length
        fruitless = 0
        yield chunk
      }
      return
    } catch (error) {
      fruitless += 1
      const begun = length < part.length
      const mayGoOn = begun && fruitless <= maxFruitless && isUnavailable(error) && signal?.aborted !== true
      if (!mayGoOn) throw readFailure(source, file, error)
      await sleep(100 * 2 ** fruitless, undefined, signal === undefined ? {} : { signal })
    }
  }
}

async function openObject(
  { store, uuid, attempt }: FileSource,
  file: ReadableFile,
  part: { start: number; length: number },
  signal?: AbortSignal,
): Promise<RelayedBody> {
  const options: GetOptions = { offset: (file.offset ?? 0) + part.start, length: part.length }
  if (file.etag !== undefined) options.ifMatch = file.etag
  if (signal !== undefined) options.signal = signal
  const body = await relayed(store, layout.file(uuid, attempt, file.key), options)
  if (file.offset !== undefined || body.size === file.size) return body
  body.close()
  throw new StoreError('corrupt', `the object has ${body.size} bytes instead of ${file.size}`)
}

/** Reads in a row that bring nothing before a download is given up; with the pauses between them some 3 s. */
const maxFruitless = 4

function isUnavailable(error: unknown): boolean {
  return error instanceof StoreError && error.kind === 'unavailable'
}

function readFailure(source: FileSource, file: ReadableFile, error: unknown): unknown {
  const damage = damageOf(error)
  return damage === undefined ? storeProblem(error) : damaged(source, file, damage, error)
}

/** Log and lists name the file from now on. */
export function reportDamage(source: FileSource, file: Entry, problem: string): void {
  if (source.provisional) return
  const { uuid, attempt, log, damages } = source
  const known = { job: uuid, attempt, file: shownPath(file), key: file.key, problem }
  log.error(known, 'a result in the store is damaged')
  damages.note(attempt, file, problem)
}

function damaged(source: FileSource, file: Entry, problem: string, cause?: unknown): Problem {
  reportDamage(source, file, problem)
  if (source.provisional) {
    const detail = `${shownPath(file)} of job ${source.uuid}, which isn't final, was replaced meanwhile`
    return new Problem('not-final', detail, { retryAfterSeconds: 1, cause })
  }
  const detail = `${shownPath(file)} of job ${source.uuid} is no longer what was committed: ${problem}`
  return new Problem('result-damaged', detail, cause === undefined ? {} : { cause })
}
