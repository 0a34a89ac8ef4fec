import type { BigIntStats } from 'node:fs'
import { freeKeys } from '../../src/artifact/keys.ts'
import { layout } from '../../src/artifact/layout.ts'
import { retryDelay } from '../../src/artifact/retry.ts'
import { StoreError } from '../../src/artifact/store.ts'
import { messageOf } from '../../src/errors.ts'
import type { KnownLine } from '../known/line.ts'
import { pause } from '../pause.ts'
import { type BytePath, toBytes } from '../scan/byte-path.ts'
import { fileEntry, fingerprint } from '../scan/entry-of.ts'
import { reasonOf } from '../scan/found.ts'
import type { OpenFile } from '../scan/open-file.ts'
import { Halted } from '../store/store-calls.ts'
import { largePartsFrom, partSizeFor, wholeBytes } from './buffers.ts'
import { digestFile } from './digest-file.ts'
import { ChangedWhileRead, type Reading, type Sending, type Stored, TookTooLong } from './send.ts'
import { sendParts, UploadLost } from './send-parts.ts'
import { sendWhole } from './send-whole.ts'

export interface FileOptions {
  job: string
  attempt: string
  /** Nothing writes to the file any more; one that changes all the same is an error. */
  final: boolean
  /** Whether the file system tells of writes through mapped memory; tmpfs does not. */
  timesCanBeTrusted: boolean
  /** Keys that hold versions of this file which checkpoints name. */
  keysInUse: readonly string[]
}

/** How often a file that changes is read, when its worker has ended. */
export const maxReadings = 3

/**
 * Sees to it that the store has a file's bytes; `known` is what is known of it, an older version included. Resolves
 * with undefined for a file that changes while it is read, or is too late: it is left to a later scan. What can't be stored
 * becomes an entry with an error. Throws Halted.
 */
export async function sendFile(
  path: BytePath,
  file: OpenFile,
  known: KnownLine | undefined,
  options: FileOptions,
  sending: Sending,
): Promise<KnownLine | undefined> {
  let changes = 0
  for (let readings = 1; ; readings += 1) {
    // Before the flush, which may take seconds: a page that is written to behind it sets the times then, and not again.
    const openedAt = Date.now()
    const isFlushed = !options.final && isLarge(file.stat()) && (await file.flush())
    const reading: Reading = { file, stat: file.stat(), name: JSON.stringify(toBytes(path).toString()) }
    try {
      const stored = await sendUnderSomeKey(path, reading, known, options, sending)
      const line: KnownLine = {
        entry: fileEntry(path, reading.stat, stored),
        fingerprint: fingerprint(reading.stat),
      }
      return mayChangeUnseen(reading, openedAt, options, isFlushed) ? { ...line, verify: true } : line
    } catch (error) {
      if (error instanceof Halted) throw error
      if (error instanceof TookTooLong) return undefined
      if (error instanceof UploadLost) {
        // Not the file's fault, and no reason to lose it: time or a stop ends this.
        await pause(retryDelay(readings, Math.random()), sending.calls.halted)
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
 * Other bytes get another key than those that a checkpoint names: after a kill before the next one, it is all that
 * tells of the file, and what it names must still be there. A store may also refuse a name that looks harmless:
 * MinIO can't hold `a/b` beside an object `a`, which an earlier scan may have left. Then the hashed key serves.
 */
async function sendUnderSomeKey(
  path: BytePath,
  reading: Reading,
  known: KnownLine | undefined,
  options: FileOptions,
  sending: Sending,
): Promise<Placed> {
  const same = storedAsKnown(reading, known)
  const { key, hashed } = freeKeys(toBytes(path), options.keysInUse)
  try {
    return await sendAs(key, reading, same, options, sending)
  } catch (error) {
    if (key === hashed || !(error instanceof StoreError) || error.kind !== 'invalid') throw error
    return await sendAs(hashed, reading, undefined, options, sending)
  }
}

/** `offset` where it lies in a pack. */
export type Placed = Stored & { key: string; offset?: number }

/** Under that key, except for the bytes of `same`, which stay where they are. */
async function sendAs(
  key: string,
  reading: Reading,
  same: Placed | undefined,
  { job, attempt }: FileOptions,
  sending: Sending,
): Promise<Placed> {
  const fullKey = layout.file(job, attempt, key)
  if (!isLarge(reading.stat)) {
    const stored = await sendWhole(reading, fullKey, same, sending)
    return stored === same ? same : { ...stored, key }
  }
  if (
    same !== undefined &&
    (await digestFile(reading, sending.buffers, sending.calls.halted)) === same.sha256
  )
    return same
  const partSize = await choosePartSize(Number(reading.stat.size), fullKey, sending)
  if (partSize === undefined) throw new Error('it is larger than 10,000 parts of 64 MiB')
  return { ...(await sendParts(reading, fullKey, partSize, sending)), key }
}

async function choosePartSize(
  size: number,
  key: string,
  { calls, store }: Sending,
): Promise<number | undefined> {
  if (size < largePartsFrom) return partSizeFor(size, Number.POSITIVE_INFINITY)
  // Of a store that wasn't asked for anything yet, nothing is known. A refusal says as much as any answer.
  if (calls.leastMs === Number.POSITIVE_INFINITY) {
    await calls.run('asking for an object', (signal) => store.head(key, signal).catch(allowDenied))
  }
  return partSizeFor(size, calls.leastMs)
}

function allowDenied(error: unknown): void {
  if (!(error instanceof StoreError) || error.kind !== 'denied') throw error
}

/**
 * What the store has of the file, where its times and size are the same. A line that was taken from a checkpoint has
 * no fingerprint, but the bytes are compared in any case.
 */
export function storedAsKnown({ stat }: Reading, known: KnownLine | undefined): Placed | undefined {
  if (known === undefined) return undefined
  const { size, sha256, key, offset, etag } = known.entry
  const mayBeSame =
    known.fingerprint === undefined ? size === Number(stat.size) : known.fingerprint === fingerprint(stat)
  if (!mayBeSame) return undefined
  if (sha256 === undefined || key === undefined || etag === undefined) return undefined
  return { sha256, key, ...(offset !== undefined && { offset }), etag }
}

/**
 * Whether bytes may change after this reading and the times stay: a second write within a clock's tick, and writes
 * through mapped memory, of which only the first to a page sets the times until the page has gone to the disk, which
 * happens within 35 s. A large file is flushed from `openedAt` on (`isFlushed`); a small one is rather read once more.
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
  // An mtime in the future was set by somebody, not by writing: it would have the file compared for ever.
  return changed > youngest || (modified > youngest && modified <= openedAt)
}

const writeBackMs = 60_000

/** What a file system rounds times to, at most: to two seconds where it knows whole ones alone, else to the kernel's tick. */
function tickOf({ ctimeNs }: BigIntStats): number {
  return ctimeNs % 1_000_000_000n === 0n ? 2000 : 100
}

function isLarge({ size }: BigIntStats): boolean {
  return Number(size) > wholeBytes
}
