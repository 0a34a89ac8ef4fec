import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { InputFile } from '../../../client/index.ts'
import { usageError } from '../../exit-codes.ts'

export interface LocalInputs {
  files: InputFile[]
  bytes: number
}

/**
 * The files at the paths, those of folders by their own names: the API takes no folders. Throws a
 * CommandError for two files of one name and for a folder in a folder.
 */
export async function inputFiles(paths: readonly string[]): Promise<LocalInputs> {
  const inputs: LocalInputs = { files: [], bytes: 0 }
  const taken = new Map<string, string>()
  for (const path of (await Promise.all(paths.map(filesAt))).flat()) {
    const name = basename(resolve(path))
    const other = taken.get(name)
    if (other !== undefined) throw usageError(`--input: ${other} and ${path} have one name; expected two`)
    taken.set(name, path)
    const { size } = await stat(path)
    inputs.bytes += size
    inputs.files.push({ name, open: () => createReadStream(path) })
  }
  return inputs
}

async function filesAt(path: string): Promise<string[]> {
  const stats = await stat(path)
  if (!stats.isDirectory()) return [path]
  const entries = await readdir(path, { withFileTypes: true })
  const folder = entries.find((entry) => entry.isDirectory())
  if (folder !== undefined) {
    const expected = `a folder of files alone; pack it: tar cf ${basename(resolve(path))}.tar -C ${path} .`
    throw usageError(`--input ${path}: has the folder ${folder.name} in it; expected ${expected}`)
  }
  return entries.map(({ name }) => join(path, name)).sort()
}
