import type { BigIntStats } from 'node:fs'
import { type Entry, pathFields, targetFields } from '../../src/result-format/entry.ts'
import type { StoredFile } from '../../src/result-format/stored-form.ts'
import { defined } from '../../src/util/objects.ts'
import { type BytePath, toBytes } from './byte-path.ts'
import type { Found } from './found.ts'

/** The entry of a path whose bytes were not read. */
export function entryOf(found: Found): Entry {
  const path = pathFields(toBytes(found.path))
  switch (found.type) {
    case 'file':
      return { ...path, type: 'file', size: Number(found.stat.size), ...attributes(found.stat) }
    case 'directory':
      return { ...path, type: 'directory', ...attributes(found.stat), ...defined({ error: found.error }) }
    case 'symlink':
      return { ...path, type: 'symlink', ...attributes(found.stat), ...targetFields(found.target) }
    case 'skipped':
      return { ...path, type: 'skipped', ...attributes(found.stat), error: found.error }
    case 'unreadable':
      if (found.stat === undefined) return { ...path, type: 'file', error: found.error }
      return {
        ...path,
        type: 'file',
        size: Number(found.stat.size),
        ...attributes(found.stat),
        error: found.error,
      }
  }
}

/** The entry of a file that was opened: where its bytes are stored, or the error. */
export function fileEntry(path: BytePath, stat: BigIntStats, outcome: StoredFile | { error: string }): Entry {
  const fields = pathFields(toBytes(path))
  return { ...fields, type: 'file', size: Number(stat.size), ...attributes(stat), ...outcome }
}

/** Two stats of a file with the same fingerprint mean the same bytes, as far as times tell. */
export function fingerprint(stat: BigIntStats): string {
  return `${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino}`
}

/** True if other names may have the same bytes. */
export function isLinked({ nlink }: BigIntStats): boolean {
  return nlink > 1n
}

/** Identifies a file among all names in the result directory. */
export function inodeOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`
}

function attributes(stat: BigIntStats): { mode: string; mtime?: string } {
  const mode = (stat.mode & 0o7777n).toString(8).padStart(4, '0')
  const mtime = rfc3339(stat.mtimeNs)
  return mtime === undefined ? { mode } : { mode, mtime }
}

/** Undefined outside the years 0 to 9999, which RFC 3339 can't express. */
export function rfc3339(nanoseconds: bigint): string | undefined {
  const { seconds, fraction } = wholeSeconds(nanoseconds)
  if (!(seconds >= yearZero && seconds <= year9999)) return undefined
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(fraction).padStart(9, '0')}Z`
}

/** Seconds since the epoch, rounded down, and the remaining nanoseconds. */
export function wholeSeconds(nanoseconds: bigint): { seconds: number; fraction: bigint } {
  const fraction = ((nanoseconds % billion) + billion) % billion
  return { seconds: Number((nanoseconds - fraction) / billion), fraction }
}

const billion = 1_000_000_000n
const yearZero = -62_167_219_200
const year9999 = 253_402_300_799
