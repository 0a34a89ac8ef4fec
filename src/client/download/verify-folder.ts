import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readlink } from 'node:fs/promises'
import { entryPathBytes, entryTargetBytes } from '../results/entry-path.ts'
import { type Linked, targetsOf } from './finish-folder.ts'
import { staysInside } from './names/link-target.ts'
import { type PlacedEntry, readList } from './result-list.ts'
import { TargetFolder } from './target-folder.ts'

export interface FolderProblem {
  path: string
  problem: string
}

export interface VerifiedFolder {
  files: number
  bytes: number
  problems: FolderProblem[]
}

/**
 * Compares a folder that download() made with its list: sizes, SHA-256, links. `onFile` is called
 * after each file. Rejects with a JobferryError `no-list` for any other folder.
 */
export async function verifyFolder(
  directory: string,
  onFile: (files: number, bytes: number) => void = () => {},
): Promise<VerifiedFolder> {
  const folder = new TargetFolder(directory)
  const verified: VerifiedFolder = { files: 0, bytes: 0, problems: [] }
  const links: Linked[] = []
  for await (const entry of readList(folder)) {
    const place =
      entry.as_base64 === undefined ? entryPathBytes(entry) : Buffer.from(entry.as_base64, 'base64')
    if (entry.type === 'symlink') links.push({ place, entry })
    const problem = await problemOf(folder.pathOf(place), entry)
    if (problem !== undefined) verified.problems.push({ path: place.toString(), problem })
    if (entry.type !== 'file') continue
    verified.files += 1
    verified.bytes += entry.size ?? 0
    onFile(verified.files, verified.bytes)
  }
  verified.problems.push(...(await linkProblems(folder, links)))
  return verified
}

async function problemOf(path: string | Buffer, entry: PlacedEntry): Promise<string | undefined> {
  if (entry.type === 'symlink' || entry.type === 'skipped') return undefined
  const stat = await lstat(path).catch(() => undefined)
  if (entry.type === 'directory') return stat?.isDirectory() ? undefined : 'is no folder'
  if (entry.sha256 === undefined) return `was not stored: ${entry.error ?? 'its bytes are not known'}`
  if (stat === undefined) return 'is missing'
  if (!stat.isFile()) return 'is no file'
  if (stat.size !== entry.size) return `has ${stat.size} bytes; expected ${entry.size}`
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex') === entry.sha256 ? undefined : 'has other bytes'
}

async function linkProblems(folder: TargetFolder, links: readonly Linked[]): Promise<FolderProblem[]> {
  const problems = []
  const targets = targetsOf(links)
  for (const { place, entry } of links) {
    const target = entryTargetBytes(entry)
    if (!staysInside(place.toString('latin1'), target.toString('latin1'), targets)) continue
    const present = await readlink(folder.pathOf(place), 'buffer').catch(() => undefined)
    if (!present?.equals(target)) problems.push({ path: place.toString(), problem: 'is another link' })
  }
  return problems
}
