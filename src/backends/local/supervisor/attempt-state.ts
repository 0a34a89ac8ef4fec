import { constants } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cause } from '../../../job/job.ts'
import type { Stop } from '../../../job/state/observation.ts'
import { codeOf } from '../../../util/error-code.ts'
import { isDueToFullDisk } from '../files/disk.ts'
import { writeDurably } from '../files/durable-files.ts'
import { readRegular } from '../files/open-regular.ts'
import { writeAnew } from '../files/write-anew.ts'
import type { LocalAttemptRecord } from '../record/local-job-record.ts'

/** What a supervisor writes down in the attempt's folder (`attempt.json`), for this API and the next. */
export interface AttemptState {
  version: 1
  attempt: LocalAttemptRecord
  /** The supervisor's own decision to stop the job: no API was there to take it. */
  stop?: Stop
  /** Nothing of the attempt runs any more, and nothing more is written. */
  done?: true
  /** A failure of this machine itself. */
  failure?: Cause
}

export const stateFileName = 'attempt.json'
const reserveName = 'attempt.reserve'
const reserveBytes = 32 * 1024
/** Of the last state alone. */
const endReserveName = 'attempt.end'
const endReserveBytes = 16 * 1024

/** Undefined before the first one is written; rejects with the file system's errors. */
export async function readState(root: string): Promise<AttemptState | undefined> {
  try {
    const state = JSON.parse(await readRegular(join(root, stateFileName))) as Partial<AttemptState> | null
    const { version, attempt } = state ?? {}
    return version === 1 && attempt?.worker && attempt.uploader ? (state as AttemptState) : undefined
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Room for the states on a disk that is full by then. */
export async function makeReserve(root: string): Promise<void> {
  await reserve(root, endReserveName, endReserveBytes)
  await reserve(root, reserveName, reserveBytes)
}

async function reserve(root: string, name: string, bytes: number): Promise<void> {
  await writeAnew(join(root, name), Buffer.alloc(bytes, ' ')).catch(ignoreFullDisk)
}

/** After the last state. */
export async function removeReserve(root: string): Promise<void> {
  for (const name of [reserveName, endReserveName]) await rm(join(root, name), { force: true })
}

/** On a full disk the last state is written over its own reserve: a worker may fill freed room. */
export async function writeState(root: string, state: AttemptState): Promise<void> {
  const path = join(root, stateFileName)
  const text = JSON.stringify(state)
  if (await isWritten(path, text)) return
  await rm(join(root, reserveName), { force: true })
  if (!state.done) return writeDurably(path, text)
  if (await isWritten(path, text)) return
  await overwrite(join(root, endReserveName), text)
  await rename(join(root, endReserveName), path)
}

/** False on a full disk; rejects with other errors. */
async function isWritten(path: string, text: string): Promise<boolean> {
  return writeDurably(path, text).then(() => true, ignoreFullDisk)
}

function ignoreFullDisk(error: unknown): false {
  if (isDueToFullDisk(error)) return false
  throw error
}

/**
 * Writes over the bytes that the file has: they are on the disk already. Rejects with ENOSPC if
 * they are too few.
 */
async function overwrite(path: string, text: string): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW)
  try {
    const { size } = await file.stat()
    const bytes = Buffer.from(text)
    if (bytes.length > size) throw Object.assign(new Error(`${path} is too small`), { code: 'ENOSPC' })
    // Behind the state stand spaces, which JSON permits.
    await file.write(bytes, 0, bytes.length, 0)
    await file.sync()
  } finally {
    await file.close()
  }
}
