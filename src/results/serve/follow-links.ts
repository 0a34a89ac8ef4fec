import { type Entry, targetBytes } from '../../result-format/entry.ts'
import type { EntryLookup } from '../../result-format/manifest/manifest-reader.ts'
import { quotedBytes } from '../../result-format/shown-path.ts'
import { Problem } from '../../util/errors.ts'

/** As Linux (path_resolution(7)): workers may leave links that lead in circles. */
const maxLinks = 40
/** One target may name 2,000 folders, each with a read of its own. */
const maxLookups = 200

/** An entry, and the symbolic links on the way to it. */
export interface Followed {
  entry: Entry
  links: Entry[]
}

/**
 * The entry that a path leads to, as the file system resolves the symbolic links in it; undefined
 * if there is none, or a link leads out of the results. An absolute target leads out: the manifest
 * does not say under which path a worker had its results. Throws Problem `not-a-readable-file` for
 * a path through too many links or folders.
 */
export async function followLinks(lookup: EntryLookup, path: Uint8Array): Promise<Followed | undefined> {
  // A character of latin1 stands for a byte.
  const asked = Buffer.from(path).toString('latin1').split('/')
  if (asked.some((name) => name === '' || name === '.' || name === '..')) return undefined
  const ahead = asked.toReversed()
  const behind: string[] = []
  const links: Entry[] = []
  let found: Entry | undefined
  for (let lookups = 0; ahead.length > 0; ) {
    const name = ahead.pop() ?? ''
    if (name === '' || name === '.') continue
    if (name === '..') {
      if (behind.pop() === undefined) return undefined
      found = undefined
      continue
    }
    lookups += 1
    if (lookups > maxLookups) throw tooLong(path, `${maxLookups} links and folders`)
    found = await lookup(Buffer.from([...behind, name].join('/'), 'latin1'))
    if (found?.type === 'symlink') {
      links.push(found)
      if (links.length > maxLinks) throw tooLong(path, `${maxLinks} symbolic links`)
      const target = targetBytes(found).toString('latin1')
      if (target.startsWith('/')) return undefined
      ahead.push(...target.split('/').toReversed())
    } else if (found?.type === 'directory') behind.push(name)
    else return found === undefined || ahead.length > 0 ? undefined : { entry: found, links }
  }
  return found === undefined ? undefined : { entry: found, links }
}

function tooLong(path: Uint8Array, most: string): Problem {
  const problem = `${quotedBytes(path)} leads through more than ${most}`
  const errors = [{ field: 'file', problem, expected: 'a file, or a link to a file of the results' }]
  return new Problem('not-a-readable-file', problem, { errors })
}
