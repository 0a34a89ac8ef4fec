import { chmod, lutimes, utimes } from 'node:fs/promises'
import { entryTargetBytes } from '../results/entry-path.ts'
import type { Entry } from '../types.ts'
import { staysInside } from './names/link-target.ts'
import type { Downloaded } from './options.ts'
import type { TargetFolder } from './target-folder.ts'
import { secondsOf } from './times.ts'

export interface MadeFolder {
  place: Buffer
  mode: number
  mtime: number | undefined
}

export interface Linked {
  place: Buffer
  entry: Entry
}

/** Makes the links, once all files are there, then gives folders their modes and times. */
export async function finishFolder(
  folder: TargetFolder,
  { folders, links }: { folders: readonly MadeFolder[]; links: readonly Linked[] },
  done: Pick<Downloaded, 'absent'>,
): Promise<void> {
  const targets = targetsOf(links)
  for (const { place, entry } of links) {
    const target = entryTargetBytes(entry)
    const path = place.toString('latin1')
    const shown = { path: place.toString(), target: target.toString() }
    if (!staysInside(path, target.toString('latin1'), targets)) {
      const problem = `is a link that leads out of the folder: ${shown.target}`
      done.absent.push({ path: shown.path, kind: 'unsafe', problem })
      continue
    }
    await folder.makeLink(place, target)
    const mtime = secondsOf(entry.mtime)
    if (mtime !== undefined) await lutimes(folder.pathOf(place), mtime, mtime)
  }
  // The deepest first: an entry that is made in a folder changes the folder's time.
  for (const { place, mode, mtime } of folders.toReversed()) {
    const path = folder.pathOf(place)
    if (mtime !== undefined) await utimes(path, mtime, mtime)
    await chmod(path, mode)
  }
}

/** The targets of links by their places, as staysInside() takes them. */
export function targetsOf(links: readonly Linked[]): Map<string, string> {
  return new Map(
    links.map(({ place, entry }) => [place.toString('latin1'), entryTargetBytes(entry).toString('latin1')]),
  )
}
