import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { messageOf } from '../errors.ts'
import { type ConfiguredJob, parseConfiguredJob } from '../job/request-schema.ts'

export interface JobFile {
  path: string
  /** Another one whenever the file may hold something else. */
  version: string
}

const extension = '.yaml'

/**
 * The files of a folder that are configured jobs, by the jobs' names; empty where there is no such folder. Names
 * that begin with a dot are none: editors' copies, and `..data`, which a mounted ConfigMap's files point into.
 */
export async function listJobFiles(directory: string): Promise<Map<string, JobFile>> {
  const files = new Map<string, JobFile>()
  for (const name of (await namesIn(directory)).sort()) {
    if (name.startsWith('.') || !name.endsWith(extension)) continue
    const path = join(directory, name)
    const found = await stat(path).catch(() => undefined)
    if (!found?.isFile()) continue
    const version = [found.ino, found.size, found.mtimeMs, found.ctimeMs].join(' ')
    files.set(name.slice(0, -extension.length), { path, version })
  }
  return files
}

/** Rejects with an Error that names the file and what is wrong in it: its line, or its fields. */
export async function readJobFile(name: string, path: string): Promise<ConfiguredJob> {
  try {
    return parseConfiguredJob(parse(await readFile(path, 'utf8')), name)
  } catch (cause) {
    throw new Error(`${path}: ${messageOf(cause)}`, { cause })
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
