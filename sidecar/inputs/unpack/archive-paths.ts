import { isRelativePath } from '../../../src/job/request/syntax.ts'

/** An archive that is not unpacked, with the reason. */
export class RefusedEntry extends Error {
  override name = 'RefusedEntry'
}

/**
 * The path of an entry's name below the folder, without `.` parts; empty for the folder itself.
 * Throws RefusedEntry for a name that leads out of it.
 */
export function pathInArchive(name: string): string {
  const path = name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
  // Names that are no UTF-8 were decoded so: several would be one.
  const isText = !name.includes('\ufffd')
  if (!name.startsWith('/') && isText && (path === '' || isRelativePath(path))) return path
  throw new RefusedEntry(
    `the name ${JSON.stringify(name.slice(0, 200))} leads out of the folder, or is no safe name in UTF-8`,
  )
}

/**
 * Whether a link at `path`, the folders of which are no links, leads to a place in the folder. A
 * `..` behind a name is refused: the name may be a link.
 */
export function isStayingLink(path: string, target: string): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0')) return false
  const parts = target.split('/').filter((part) => part !== '' && part !== '.')
  const up = parts.findIndex((part) => part !== '..')
  const ups = up === -1 ? parts.length : up
  return ups < path.split('/').length && !parts.slice(ups).includes('..')
}
