import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type ConfiguredJob, parseConfiguredJob } from '../../job/request/request-schema.ts'
import { parseRequestYaml } from '../../job/request/request-yaml.ts'
import { messageOf } from '../../util/errors.ts'

export interface JobFile {
  path: string
  /** Changes whenever the file's content may have changed. */
  version: string
}

export interface JobFiles {
  files: Map<string, JobFile>
  /** Paths of further files of the same job, as of one in `.yml`. */
  ignored: string[]
  /** Names of all else in the folder. */
  others: string[]
}

const extension = /\.ya?ml$/i

/**
 * The configured jobs' files of a folder (`.yaml`, `.yml`), by the jobs' names; empty if the folder
 * doesn't exist. Names that begin with a dot are left out: editors' copies, and `..data` of a
 * mounted ConfigMap.
 */
export async function listJobFiles(directory: string): Promise<JobFiles> {
  const files = new Map<string, JobFile>()
  const ignored: string[] = []
  const others: string[] = []
  const names = (await namesIn(directory)).filter((name) => !name.startsWith('.'))
  for (const name of names.sort()) {
    const path = join(directory, name)
    const found = await stat(path).catch(() => undefined)
    if (!extension.test(name) || !found?.isFile()) {
      others.push(name)
      continue
    }
    const version = [found.ino, found.size, found.mtimeMs, found.ctimeMs].join(' ')
    const job = name.replace(extension, '')
    if (files.has(job)) ignored.push(path)
    else files.set(job, { path, version })
  }
  return { files, ignored, others }
}

/** Rejects with an Error that names the file and the line or the fields that are wrong. */
export async function readJobFile(name: string, path: string): Promise<ConfiguredJob> {
  try {
    return parseConfiguredJob(parseRequestYaml(await readFile(path)), name)
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
