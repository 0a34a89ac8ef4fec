import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { expect } from 'vitest'
import { type Entry, pathBytes, targetBytes } from '../../src/result-format/entry.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { manifestOf, objectOf } from './stored.ts'
import { type Attempt, attempt, job } from './uploader-process.ts'

/** What there is of one path, in a form that a difference can be read from. */
export type Facts = Record<string, string | number>

const slash = Buffer.from('/')

/** Everything below a directory by its path's bytes (latin1), read without the project's code. */
export function treeOf(directory: string, path = Buffer.alloc(0), found = new Map<string, Facts>()) {
  const at = path.length === 0 ? Buffer.from(directory) : Buffer.concat([Buffer.from(directory), slash, path])
  for (const name of readdirSync(at, 'buffer')) {
    const child = path.length === 0 ? name : Buffer.concat([path, slash, name])
    const full = Buffer.concat([at, slash, name])
    const stat = lstatSync(full, { bigint: true })
    const facts: Facts = {
      mode: (stat.mode & 0o7777n).toString(8).padStart(4, '0'),
      mtime: `${new Date(Number(stat.mtimeNs / 1_000_000_000n) * 1000).toISOString().slice(0, 19)}.${String(stat.mtimeNs % 1_000_000_000n).padStart(9, '0')}Z`,
    }
    if (stat.isFile()) {
      Object.assign(facts, { type: 'file', size: Number(stat.size), sha256: sha256(readFileSync(full)) })
    } else if (stat.isSymbolicLink()) {
      Object.assign(facts, { type: 'symlink', target: readlinkSync(full, 'buffer').toString('latin1') })
    } else Object.assign(facts, { type: stat.isDirectory() ? 'directory' : 'skipped' })
    found.set(child.toString('latin1'), facts)
    if (stat.isDirectory()) treeOf(directory, child, found)
  }
  return found
}

export async function expectAllStored({ result, store }: Attempt & { store: ArtifactStore }): Promise<void> {
  const { entries } = await manifestOf(store)
  expect([...(await storedTree(store, entries))]).toEqual(sorted(treeOf(result)))
}

/**
 * What a manifest and the store say, in the same form; a file's digest is that of the bytes in the
 * store.
 */
export async function storedTree(
  store: ArtifactStore,
  entries: readonly Entry[],
): Promise<Map<string, Facts>> {
  const stored = new Map<string, Facts>()
  for (const entry of entries) {
    const facts: Facts = { type: entry.type, mode: entry.mode ?? '', mtime: entry.mtime ?? '' }
    if (entry.type === 'symlink') facts.target = targetBytes(entry).toString('latin1')
    if (entry.type === 'file') {
      const { key = '', offset, size = 0, etag = '' } = entry
      const range = offset === undefined ? { ifMatch: etag } : { ifMatch: etag, offset, length: size }
      const bytes = await objectOf(store, jobKeys.file(job, attempt, key), range)
      Object.assign(facts, { size: bytes.length, sha256: sha256(bytes) })
    }
    stored.set(pathBytes(entry).toString('latin1'), facts)
  }
  return stored
}

export function sorted(tree: ReadonlyMap<string, Facts>): [string, Facts][] {
  return [...tree].sort(([a], [b]) => Buffer.compare(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1')))
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
