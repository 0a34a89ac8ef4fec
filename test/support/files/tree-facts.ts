import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, lstat, readdir, readlink } from 'node:fs/promises'
import type { Entry } from '../../../src/result-format/entry.ts'
import { defined } from '../../../src/util/objects.ts'

/** The facts of one path, in one form for all their sources, to compare them. */
export interface Facts {
  type: string
  mode: string
  mtime: string
  size?: number
  sha256?: string
  /** Each character a byte (latin1). */
  target?: string
}

/**
 * Path, each character a byte (latin1), → facts, from the entries of a result list or a manifest.
 */
export function listedFacts(entries: readonly Entry[]): Map<string, Facts> {
  return new Map(
    entries.map((entry) => {
      const { type, mode = '', mtime = '', size, sha256 } = entry
      const target = latin1(entry.target, entry.target_base64)
      const facts: Facts = {
        type,
        mode,
        mtime,
        ...defined({ size, sha256 }),
        ...(type === 'symlink' && { target }),
      }
      return [latin1(entry.path, entry.path_base64), facts]
    }),
  )
}

/** Path → facts of all entries below a folder, from the file system. Makes the entries readable. */
export async function folderFacts(folder: string): Promise<Map<string, Facts>> {
  const found = new Map<string, Facts>()
  const visit = async (parent: string): Promise<void> => {
    const at = (path: string) => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, 'latin1')])
    for (const name of await readdir(at(parent), 'latin1')) {
      const path = parent === '' ? name : `${parent}/${name}`
      const stat = await lstat(at(path), { bigint: true })
      const facts: Facts = {
        type: stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'skipped',
        mode: (stat.mode & 0o7777n).toString(8).padStart(4, '0'),
        mtime: mtimeText(stat.mtimeNs),
      }
      found.set(path, facts)
      if (stat.isSymbolicLink()) {
        facts.type = 'symlink'
        facts.target = (await readlink(at(path), 'buffer')).toString('latin1')
      } else if (stat.isFile()) {
        await chmod(at(path), 0o600)
        facts.size = Number(stat.size)
        facts.sha256 = await digestOf(at(path))
      } else if (stat.isDirectory()) {
        await chmod(at(path), 0o700)
        await visit(path)
      }
    }
  }
  await visit('')
  return found
}

/** A time in the manifest's format. */
export function mtimeText(nanoseconds: bigint): string {
  const fraction = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  const seconds = (nanoseconds - fraction) / 1_000_000_000n
  const date = new Date(Number(seconds) * 1000).toISOString()
  return `${date.slice(0, 19)}.${String(fraction).padStart(9, '0')}Z`
}

/** Descriptions of the differing paths, at most 20 to keep an assertion's message readable. */
export function differences(
  actual: ReadonlyMap<string, Facts>,
  expected: ReadonlyMap<string, Facts>,
): string[] {
  const found: string[] = []
  for (const path of new Set([...expected.keys(), ...actual.keys()])) {
    const [is, should] = [actual.get(path), expected.get(path)].map(textOf)
    if (is !== should) found.push(`${JSON.stringify(path)}: ${is} instead of ${should}`)
  }
  return found.slice(0, 20)
}

function textOf(facts: Facts | undefined): string {
  return facts === undefined ? 'nothing' : JSON.stringify(Object.entries(facts).sort())
}

function latin1(text: string | undefined, base64 = ''): string {
  return (text === undefined ? Buffer.from(base64, 'base64') : Buffer.from(text)).toString('latin1')
}

async function digestOf(path: Buffer): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
