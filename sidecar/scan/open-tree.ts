import { chmodSync, lstatSync, readlinkSync } from 'node:fs'
import { codeOf } from '../../src/util/error-code.ts'
import { Directory } from './directory.ts'
import { type Found, reasonOf } from './found.ts'
import { keepsAll, type OutputFilter } from './output-filter.ts'
import { walk } from './walk.ts'

export interface Tree extends Disposable {
  /**
   * Undefined where there is none: a worker outside a container may remove its result directory.
   */
  directory: Directory | undefined
  /** All below it; see walk(). */
  scan: Iterable<Found>
}

/**
 * A worker outside a container has put something else in the place of its result directory, or a
 * worker has taken the permission to list it: waiting doesn't help.
 */
export class UnusableDirectory extends Error {
  override name = 'UnusableDirectory'
}

/**
 * Opens a directory for a walk; `path` is its real path. Throws UnusableDirectory where that path
 * leads through a link or to no directory now, or can't be listed, and what else open(2) gives, except
 * for ENOENT.
 */
export function openTree(path: string, filter: OutputFilter = keepsAll): Tree {
  try {
    const directory = openReal(path)
    return { directory, scan: walk(directory, filter), [Symbol.dispose]: () => directory.close() }
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOTDIR' || code === 'ELOOP') throw new UnusableDirectory(replacement(path))
    if (code === 'EACCES' || code === 'EPERM') throw new UnusableDirectory(unreadable(path, error))
    if (code !== 'ENOENT') throw error
    return { directory: undefined, scan: [], [Symbol.dispose]: () => undefined }
  }
}

/**
 * Gives the owner of a directory, if that is this user, the permission to list it. False if that
 * changes nothing: of links, and of what belongs to others.
 */
export function makeListable(path: string): boolean {
  try {
    const stat = lstatSync(path)
    if (!stat.isDirectory() || (stat.mode & listable) === listable) return false
    chmodSync(path, (stat.mode & 0o7777) | listable)
    return true
  } catch {
    return false
  }
}

const listable = 0o500

function openReal(path: string): Directory {
  const directory = Directory.open(path)
  if (directory.isAt(path)) return directory
  directory.close()
  throw new UnusableDirectory(`a folder above RESULT_DIRECTORY was replaced by a link: ${rule}`)
}

const rule = 'links are not followed, and nothing of it is stored'

function replacement(path: string): string {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (!stat?.isSymbolicLink()) return 'RESULT_DIRECTORY was replaced by something that is no folder'
  return `RESULT_DIRECTORY was replaced by a link to ${readlinkSync(path)}: ${rule}`
}

function unreadable(path: string, error: unknown): string {
  const mode = lstatSync(path, { throwIfNoEntry: false })?.mode
  const has = mode === undefined ? '' : ` (its mode is ${(mode & 0o7777).toString(8).padStart(4, '0')})`
  return `RESULT_DIRECTORY can't be listed${has}: ${reasonOf(error)}; a worker must leave it readable`
}
