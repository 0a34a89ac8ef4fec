import { hash } from 'node:crypto'
import { jobKeys } from '../../result-format/job-keys.ts'
import { sizeProblem } from '../../result-format/stored-form.ts'
import { relay } from '../../store/relay.ts'
import { type BodyHead, type GetOptions, StoreError } from '../../store/store.ts'
import { backoff } from '../../util/backoff.ts'
import type { Sink } from '../../util/sink.ts'
import { damageOf } from '../damages.ts'
import { damagedFile, type FileSource } from '../file-source.ts'
import { storeProblem } from '../store-problem.ts'
import type { ReadableFile } from './readable-file.ts'
import { type CheckedFile, fromStart, sendChecked } from './shared/checked-file.ts'

/** First byte, and number of bytes from it on. */
export interface FilePart {
  start: number
  length: number
  /** The bytes before it were sent: a read that fails before its first byte is repeated, too. */
  isContinued?: boolean
}

/** Files up to this size are checked before they are sent, so that damage is an error response. */
const heldBytes = 256 * 1024

/**
 * Writes all bytes of a file to the sink, the last chunk only if length and SHA-256 match the
 * manifest. Rejects with Problem `result-damaged`, or `unavailable` if the store fails, or with the
 * sink's error.
 */
export async function sendFile(
  source: FileSource,
  file: ReadableFile,
  sink: Sink,
  signal?: AbortSignal,
): Promise<void> {
  if (file.size <= heldBytes) await sink(await readFile(source, file, signal))
  else await sendChecked(checkedFile(source, file), fromStart(), sink, signal)
}

/** As sendFile(); readers of the same file at the same time share one read of the store. */
export async function sendFileShared(
  source: FileSource,
  file: ReadableFile,
  sink: Sink,
  signal?: AbortSignal,
): Promise<void> {
  if (file.size <= heldBytes) await sendFile(source, file, sink, signal)
  else await source.sharedReads.send(checkedFile(source, file), sink, signal)
}

function checkedFile(source: FileSource, file: ReadableFile): CheckedFile {
  const { uuid, attempt, provisional } = source
  const { key, etag, offset, size, sha256 } = file
  return {
    id: JSON.stringify([uuid, attempt, provisional, key, etag, offset, size, sha256]),
    size,
    read(start, sink, signal) {
      const part = { start, length: size - start, isContinued: start > 0 }
      return sendPart(source, file, part, sink, signal)
    },
    check: (actual) => check(source, file, actual),
  }
}

/** Reads a small file into memory. Rejects as sendFile() does. */
export async function readFile(
  source: FileSource,
  file: ReadableFile,
  signal?: AbortSignal,
): Promise<Buffer> {
  return checked(source, file, await readPart(source, file, { start: 0, length: file.size }, signal))
}

/** Returns `bytes` if their SHA-256 matches the manifest; else throws as sendFile() rejects. */
export function checked(source: FileSource, file: ReadableFile, bytes: Buffer): Buffer {
  check(source, file, hash('sha256', bytes, 'hex'))
  return bytes
}

function check(source: FileSource, file: ReadableFile, sha256: string): void {
  if (sha256 !== file.sha256) throw damagedFile(source, file, 'its SHA-256 is another one')
  source.damages.clear(source.attempt, file)
}

/** Reads part of a file into memory. Rejects as sendFile() does, but does not check the SHA-256. */
export async function readPart(
  source: FileSource,
  file: ReadableFile,
  part: FilePart,
  signal?: AbortSignal,
): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(part.length)
  let filled = 0
  const copy: Sink = async (chunk) => {
    filled += chunk.copy(bytes, filled)
  }
  await sendPart(source, file, part, copy, signal)
  return bytes
}

/**
 * Writes part of a file to the sink. Rejects as sendFile() does, but does not check the SHA-256. If
 * the store breaks off, it reads the rest: the ETag as condition ensures that the object is the
 * same.
 */
export async function sendPart(
  source: FileSource,
  file: ReadableFile,
  part: FilePart,
  sink: Sink,
  signal?: AbortSignal,
): Promise<void> {
  let { start, length } = part
  let fruitless = 0
  const counted: Sink = async (chunk) => {
    if (chunk.length > length) throw new StoreError('corrupt', `more than ${part.length} bytes came`)
    start += chunk.length
    length -= chunk.length
    fruitless = 0
    await sink(chunk)
  }
  while (length > 0) {
    try {
      await readObject(source, file, { start, length }, counted, signal)
      if (length > 0) throw new StoreError('corrupt', `${part.length - length} of ${part.length} bytes came`)
    } catch (error) {
      fruitless += 1
      const begun = part.isContinued === true || length < part.length
      const mayGoOn = begun && fruitless <= maxFruitless && isUnavailable(error) && signal?.aborted !== true
      if (!mayGoOn) throw readFailure(source, file, error)
      await source.clock.sleep(readRetryDelay(fruitless), { signal })
    }
  }
}

/**
 * The only place that reads a file's object, whatever form it has (result-format/stored-form.ts).
 */
async function readObject(
  { store, uuid, attempt }: FileSource,
  file: ReadableFile,
  { start, length }: FilePart,
  sink: Sink,
  signal?: AbortSignal,
): Promise<void> {
  const options: GetOptions = { offset: (file.offset ?? 0) + start, length }
  if (file.etag !== undefined) options.ifMatch = file.etag
  if (signal !== undefined) options.signal = signal
  const sinkFor = ({ size }: BodyHead) => {
    const problem = sizeProblem(file, size)
    if (problem === undefined) return sink
    throw new StoreError('corrupt', problem)
  }
  await relay(store, jobKeys.file(uuid, attempt, file.key), sinkFor, options)
}

/** Consecutive retries without any byte; with their pauses a download fails after about 3 s. */
const maxFruitless = 4
const readRetryDelay = backoff({ first: 200, max: 1600 })

function isUnavailable(error: unknown): boolean {
  return error instanceof StoreError && error.kind === 'unavailable'
}

function readFailure(source: FileSource, file: ReadableFile, error: unknown): unknown {
  const damage = damageOf(error)
  return damage === undefined ? storeProblem(error) : damagedFile(source, file, damage, error)
}
