import { type Entry, pathBytes, targetBytes } from '../../result-format/entry.ts'
import { readWholeBytes } from '../tar/read-ahead.ts'
import type { ZipMember } from './zip-headers.ts'

const types = { file: 0o100000, symlink: 0o120000, directory: 0o040000 } as const

/** An entry of membersOf() as a member. */
export function zipMember(entry: Entry): ZipMember {
  const { type, mode = '0644', mtime = '1970-01-01T00:00:00' } = entry
  const path = pathBytes(entry)
  const common = {
    mode: Number.parseInt(mode, 8) | (type === 'skipped' ? 0 : types[type]),
    seconds: Date.parse(`${mtime.slice(0, 19)}Z`) / 1000,
    isStreamed: false,
  }
  if (type === 'directory') return { ...common, name: Buffer.concat([path, Buffer.from('/')]), size: 0 }
  if (type === 'symlink') return { ...common, name: path, size: targetBytes(entry).length }
  const size = entry.size ?? 0
  return { ...common, name: path, size, isStreamed: size > readWholeBytes }
}

/**
 * What keeps a path from being a name in a zip; undefined if nothing does. Zip's names are UTF-8, and
 * readers on Windows, and Java's, take a backslash for a slash: the file would be another one.
 */
export function zipNameProblem({ path }: Entry): string | undefined {
  if (path === undefined) return 'is not UTF-8'
  if (path.includes('\\')) return 'has a backslash, which readers take for a slash'
  return undefined
}
