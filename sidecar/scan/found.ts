import type { BigIntStats } from 'node:fs'
import { codeOf } from '../../src/util/error-code.ts'
import { messageOf } from '../../src/util/errors.ts'
import type { BytePath } from './byte-path.ts'
import type { Directory } from './directory.ts'
import { keepsAll, type OutputFilter } from './output-filter.ts'

/** What a name in the result directory is. */
export type Found =
  | { type: 'file'; path: BytePath; stat: BigIntStats; parent: Directory; name: BytePath }
  | { type: 'directory'; path: BytePath; stat: BigIntStats; opened?: OpenedDirectory; error?: string }
  | { type: 'symlink'; path: BytePath; stat: BigIntStats; target: Buffer }
  | { type: 'skipped'; path: BytePath; stat: BigIntStats; error: string }
  | { type: 'unreadable'; path: BytePath; stat?: BigIntStats; error: string }

export interface OpenedDirectory {
  directory: Directory
  /** Sorted by their bytes. */
  names: BytePath[]
}

/**
 * Between two calls a worker may have put something else there; a worker that never stops must not
 * hold us.
 */
const maxLooks = 20

/**
 * What has that name now; undefined for nothing, or for what is excluded. A directory is open when
 * this returns.
 */
export function look(
  parent: Directory,
  name: BytePath,
  path: BytePath,
  { excludes }: Pick<OutputFilter, 'excludes'> = keepsAll,
): Found | undefined {
  for (let looks = 1; ; looks += 1) {
    let stat: BigIntStats
    try {
      stat = parent.lstat(name)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      return { type: 'unreadable', path, error: reasonOf(error) }
    }
    if (excludes(path, stat.isDirectory())) return undefined
    try {
      if (stat.isFile()) return { type: 'file', path, stat, parent, name }
      if (stat.isSymbolicLink()) return { type: 'symlink', path, stat, target: parent.readlink(name) }
      if (!stat.isDirectory()) return { type: 'skipped', path, stat, error: kindOf(stat) }
      return openDirectory(parent, name, path)
    } catch (error) {
      if (looks < maxLooks && isReplaced(error)) continue
      if (stat.isDirectory()) return { type: 'directory', path, stat, error: reasonOf(error) }
      return { type: 'unreadable', path, stat, error: reasonOf(error) }
    }
  }
}

/** True if the error says that something else has the name than a moment ago. */
export function isReplaced(error: unknown): boolean {
  return ['ENOENT', 'ELOOP', 'ENOTDIR', 'EINVAL', 'ENXIO', 'ESTALE'].includes(codeOf(error) ?? '')
}

/** `EACCES: permission denied`, without the path, which names a descriptor of this process. */
export function reasonOf(error: unknown): string {
  const message = messageOf(error)
  return codeOf(error) === undefined ? message : (message.split(', ')[0] ?? message)
}

function openDirectory(parent: Directory, name: BytePath, path: BytePath): Found {
  const directory = parent.openDirectory(name)
  try {
    return {
      type: 'directory',
      path,
      stat: directory.stat(),
      opened: { directory, names: directory.names() },
    }
  } catch (error) {
    directory.close()
    throw error
  }
}

function kindOf(stat: BigIntStats): string {
  if (stat.isFIFO()) return 'fifo'
  if (stat.isSocket()) return 'socket'
  if (stat.isCharacterDevice()) return 'character device'
  return 'block device'
}
