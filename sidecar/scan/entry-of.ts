import type { BigIntStats } from 'node:fs'
import { type Entry, pathFields, targetFields } from '../../src/artifact/entry.ts'
import { type BytePath, toBytes } from './byte-path.ts'
import type { Found } from './found.ts'

/** The entry for all but files that could be opened. */
export function entryOf(found: Found): Entry {
  const path = pathFields(toBytes(found.path))
  switch (found.type) {
    case 'file':
      return { ...path, type: 'file', size: Number(found.stat.size), ...attributes(found.stat) }
    case 'directory':
      return { ...path, type: 'directory', ...attributes(found.stat), ...errorOf(found.error) }
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

/** The entry for a file that was open, with its bytes in the store or the error that kept them out. */
export function fileEntry(
  path: BytePath,
  stat: BigIntStats,
  outcome: { sha256: string; key: string; offset?: number; etag: string } | { error: string },
): Entry {
  const fields = pathFields(toBytes(path))
  return { ...fields, type: 'file', size: Number(stat.size), ...attributes(stat), ...outcome }
}

/** Two stats of one file that have the same fingerprint are of the same bytes, as far as times can tell. */
export function fingerprint(stat: BigIntStats): string {
  return `${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino}`
}

function attributes(stat: BigIntStats): { mode: string; mtime?: string } {
  const mode = (stat.mode & 0o7777n).toString(8).padStart(4, '0')
  const mtime = rfc3339(stat.mtimeNs)
  return mtime === undefined ? { mode } : { mode, mtime }
}

/** Undefined beyond the years 0 to 9999, which RFC 3339 can't say and file systems can. */
export function rfc3339(nanoseconds: bigint): string | undefined {
  const { seconds, fraction } = wholeSeconds(nanoseconds)
  if (!(seconds >= yearZero && seconds <= year9999)) return undefined
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(fraction).padStart(9, '0')}Z`
}

/** Seconds since the epoch, rounded down, and the nanoseconds behind. */
export function wholeSeconds(nanoseconds: bigint): { seconds: number; fraction: bigint } {
  const fraction = ((nanoseconds % billion) + billion) % billion
  return { seconds: Number((nanoseconds - fraction) / billion), fraction }
}

const billion = 1_000_000_000n
const yearZero = -62_167_219_200
const year9999 = 253_402_300_799

function errorOf(error: string | undefined): { error: string } | Record<string, never> {
  return error === undefined ? {} : { error }
}
