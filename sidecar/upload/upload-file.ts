import type { BigIntStats } from 'node:fs'
import { freeKeys } from '../../src/result-format/file-keys.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import { type StoredFile, storedFileOf } from '../../src/result-format/stored-form.ts'
import { retryDelay } from '../../src/store/retry.ts'
import { StoreError } from '../../src/store/store.ts'
import { messageOf } from '../../src/util/errors.ts'
import type { EntryLine } from '../journal/line.ts'
import { pause } from '../pause.ts'
import { type BytePath, toBytes } from '../scan/byte-path.ts'
import { fileEntry, fingerprint } from '../scan/entry-of.ts'
import { reasonOf } from '../scan/found.ts'
import type { OpenFile } from '../scan/open-file.ts'
import { Halted } from '../store/store-calls.ts'
import { isStreamed, largePartsFrom, largestFileBytes, partSizeFor, wholeBytes } from './buffers.ts'
import { digestFile } from './digest-file.ts'
import { UploadLost } from './part-upload.ts'
import { sendParts } from './send-parts.ts'
import { sendStreamed } from './send-streamed.ts'
import { sendWhole } from './send-whole.ts'
import { ChangedWhileRead, type Reading, TookTooLong, type UploadContext } from './upload-context.ts'

/** Of all files of a pass. */
export interface PassFileOptions {
  job: string
  attempt: string
  /** The worker has ended: a file that still changes becomes an entry with an error. */
  final: boolean
  /** False on tmpfs, where writes through mapped memory don't set the times. */
  timesCanBeTrusted: boolean
  /** Has the bytes that the file had when it was opened. */
  budget: { grow(bytes: number): boolean }
}

export interface FileOptions extends PassFileOptions {
  /** Keys of versions of this file that checkpoints name. */
  keysInUse: readonly string[]
  /** As in FileToStore. */
  counted?: bigint
  uniqueKey?: string
}

export const outgrown = 'it grew while it was stored, beyond RESULT_MAX_BYTES'

/** How often a changing file is read after the worker's end. */
export const maxReadings = 3

/**
 * Stores a file's bytes unless the store has them; `known` is the journal's line, which may be of
 * an older version. Resolves with undefined for a file that is left to a later pass: it changed
 * while it was read, or took too long. A file that can't be stored becomes an entry with an error.
 * Rejects with Halted.
 */
export async function uploadFile(
  path: BytePath,
  file: OpenFile,
  known: EntryLine | undefined,
  options: FileOptions,
  sending: UploadContext,
): Promise<EntryLine | undefined> {
  let changes = 0
  let counted = options.counted ?? file.opened.size
  for (let readings = 1; ; readings += 1) {
    // Taken before the flush, which may take seconds: a page written during it sets the times once,
    // then no more.
    const openedAt = Date.now()
    const isFlushed = !options.final && isLarge(file.stat()) && (await file.flush())
    const reading: Reading = { file, stat: file.stat(), name: JSON.stringify(toBytes(path).toString()) }
    try {
      const grown = reading.stat.size - counted
      if (grown > 0n && !options.budget.grow(Number(grown))) throw new Error(outgrown)
      counted += grown > 0n ? grown : 0n
      const stored = await sendUnderSomeKey(path, reading, known, options, sending)
      const line: EntryLine = {
        entry: fileEntry(path, reading.stat, stored),
        fingerprint: fingerprint(reading.stat),
      }
      return mayChangeUnseen(reading, openedAt, options, isFlushed) ? { ...line, verify: true } : line
    } catch (error) {
      if (error instanceof Halted) throw error
      if (error instanceof TookTooLong) return undefined
      if (error instanceof UploadLost) {
        // The file is sent again until time runs out or a stop comes.
        await pause(retryDelay(readings), sending.calls.halted)
        continue
      }
      if (!(error instanceof ChangedWhileRead)) {
        const text = error instanceof StoreError ? `not stored: ${messageOf(error)}` : reasonOf(error)
        return { entry: fileEntry(path, reading.stat, { error: text }) }
      }
      if (!options.final) return undefined
      changes += 1
      if (changes < maxReadings) continue
      return { entry: fileEntry(path, reading.stat, { error: 'it changed while it was read' }) }
    }
  }
}

/**
 * A new version gets another key than the version that a checkpoint names: after a kill, the
 * checkpoint is all there is, and its object must still exist. A store may also refuse a key: MinIO
 * can't hold `a/b` beside an object `a` of an earlier scan. Then the hashed key is used.
 */
async function sendUnderSomeKey(
  path: BytePath,
  reading: Reading,
  known: EntryLine | undefined,
  options: FileOptions,
  sending: UploadContext,
): Promise<StoredFile> {
  const same = storedAsKnown(reading, known)
  const { key, hashed } = keysFor(path, options)
  try {
    return await sendAs(key, reading, same, options, sending)
  } catch (error) {
    if (key === hashed || !(error instanceof StoreError) || error.kind !== 'invalid') throw error
    return await sendAs(hashed, reading, undefined, options, sending)
  }
}

function keysFor(path: BytePath, { keysInUse, uniqueKey }: FileOptions): { key: string; hashed: string } {
  if (uniqueKey !== undefined) return { key: uniqueKey, hashed: uniqueKey }
  return freeKeys(toBytes(path), keysInUse)
}

/**
 * Sends the bytes under that key, unless they are the bytes of `same`, which stay where they are.
 */
async function sendAs(
  key: string,
  reading: Reading,
  same: StoredFile | undefined,
  { job, attempt }: FileOptions,
  sending: UploadContext,
): Promise<StoredFile> {
  const fullKey = jobKeys.file(job, attempt, key)
  if (!isLarge(reading.stat)) {
    const stored = await sendWhole(reading, fullKey, same, sending)
    return stored === same ? same : { ...stored, key }
  }
  if (
    same !== undefined &&
    (await digestFile(reading, sending.buffers, sending.calls.halted)) === same.sha256
  )
    return same
  const size = Number(reading.stat.size)
  if (size > largestFileBytes) throw new Error('it is larger than 5 TiB, the largest object of S3')
  const partSize = await choosePartSize(size, fullKey, sending)
  const send = isStreamed(partSize) ? sendStreamed : sendParts
  return { ...(await send(reading, fullKey, partSize, sending)), key }
}

async function choosePartSize(size: number, key: string, { calls, store }: UploadContext): Promise<number> {
  if (size < largePartsFrom) return partSizeFor(size, Number.POSITIVE_INFINITY)
  // One request to measure a store that has not answered any yet; a refusal is as good as any
  // answer.
  if (calls.leastMs === Number.POSITIVE_INFINITY) {
    await calls.run('asking for an object', (signal) => store.head(key, signal).catch(allowDenied))
  }
  return partSizeFor(size, calls.leastMs)
}

function allowDenied(error: unknown): void {
  if (!(error instanceof StoreError) || error.kind !== 'denied') throw error
}

/**
 * The stored version, if size and times are the same. A line from a checkpoint has no fingerprint;
 * the caller compares the bytes in any case.
 */
export function storedAsKnown({ stat }: Reading, known: EntryLine | undefined): StoredFile | undefined {
  if (known === undefined) return undefined
  const { size } = known.entry
  const mayBeSame =
    known.fingerprint === undefined ? size === Number(stat.size) : known.fingerprint === fingerprint(stat)
  return mayBeSame ? storedFileOf(known.entry) : undefined
}

/**
 * True if the bytes may change after this reading while the times stay: by a second write within a
 * tick of the clock, or by writes through mapped memory, of which only the first to a page sets the
 * times until the page is on the disk (within 35 s). A large file was flushed after `openedAt`
 * (`isFlushed`); a small file is read again instead.
 */
export function mayChangeUnseen(
  { stat }: Reading,
  openedAt: number,
  options: Pick<FileOptions, 'final' | 'timesCanBeTrusted'>,
  isFlushed = false,
): boolean {
  if (options.final) return false
  if (!options.timesCanBeTrusted) return true
  const youngest = openedAt - (isFlushed ? tickOf(stat) : writeBackMs)
  const [modified, changed] = [Number(stat.mtimeNs / 1_000_000n), Number(stat.ctimeNs / 1_000_000n)]
  // An mtime in the future was set by a program, not by a write: the file would be compared again
  // for ever.
  return changed > youngest || (modified > youngest && modified <= openedAt)
}

const writeBackMs = 60_000

/**
 * The coarsest step of a file system's times: two seconds where it has whole seconds only, else the
 * kernel's tick.
 */
function tickOf({ ctimeNs }: BigIntStats): number {
  return ctimeNs % 1_000_000_000n === 0n ? 2000 : 100
}

function isLarge({ size }: BigIntStats): boolean {
  return Number(size) > wholeBytes
}
