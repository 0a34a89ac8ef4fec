import { createReadStream } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { InputFile } from '../../../client/index.ts'
import { usageError } from '../../exit-codes.ts'

/** A file of this machine that a job gets; `name` is its path below `/input`. */
export interface LocalFile extends InputFile {
  size: number
}

export interface CommandInputs {
  files: LocalFile[]
  /** Of all files together. */
  bytes: number
  /** Addresses that the server fetches: `inputs[].from` of a request. */
  sources: string[]
}

/**
 * The inputs of `--input`: addresses, files by their own names, and folders' files by their paths in the
 * folder. Throws a CommandError for two files in one place, and for what is neither file nor folder.
 */
export async function commandInputs(given: readonly string[]): Promise<CommandInputs> {
  const inputs: CommandInputs = { files: [], bytes: 0, sources: [] }
  const taken = new Map<string, string>()
  for (const text of given) {
    if (isAddress(text)) {
      inputs.sources.push(text)
      continue
    }
    for await (const { path, name, size } of filesAt(text)) {
      const other = taken.get(name)
      if (other !== undefined) {
        throw usageError(`--input: ${other} and ${path} are both ${name} in /input; expected different names`)
      }
      taken.set(name, path)
      inputs.bytes += size
      inputs.files.push({ name, size, open: () => createReadStream(path) })
    }
  }
  return inputs
}

/** As in docs/inputs.md; a file of such a name is `./upload:name`. */
function isAddress(text: string): boolean {
  return /^(?:https?:\/\/|s3:\/\/|job:|upload:)/.test(text)
}

interface Found {
  path: string
  name: string
  size: number
}

async function* filesAt(path: string): AsyncGenerator<Found> {
  const stats = await stat(path)
  if (stats.isDirectory()) yield* filesBelow(path, '', [])
  else if (stats.isFile()) yield { path, name: basename(resolve(path)), size: stats.size }
  else throw usageError(`--input ${path}: is neither a file nor a folder`)
}

/** Links are followed; `above` has the real paths of the folders that lead here. */
async function* filesBelow(folder: string, prefix: string, above: readonly string[]): AsyncGenerator<Found> {
  const real = await realpath(folder)
  if (above.includes(real)) throw usageError(`--input: ${folder} is a link to a folder that it lies in`)
  for (const entry of (await readdir(folder)).sort()) {
    const path = join(folder, entry)
    const name = `${prefix}${entry}`
    const stats = await stat(path)
    if (stats.isDirectory()) yield* filesBelow(path, `${name}/`, [...above, real])
    else if (stats.isFile()) yield { path, name, size: stats.size }
    else throw usageError(`--input: ${path} is neither a file nor a folder`)
  }
}
