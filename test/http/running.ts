import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/config.ts'
import { start } from '../../src/server.ts'
import { markerFile } from '../../src/store/folder/folder-root.ts'
import { createLog } from '../../src/util/log.ts'
import { endJobs } from '../support/end-jobs.ts'

export interface RunningApi {
  url: string
  /** Paths of the objects in the store's folder. */
  stored(): Promise<string[]>
  close(): Promise<void>
}

/**
 * Starts the whole API over the embedded backend and a folder, which close() removes.
 * `jobs` maps the names of configured jobs to their YAML.
 */
export async function startApi(
  jobs: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, string>> = {},
): Promise<RunningApi> {
  const directory = await mkdtemp(join(tmpdir(), 'jobferry-http-'))
  const jobsDirectory = join(directory, 'jobs')
  await mkdir(jobsDirectory)
  for (const [name, yaml] of Object.entries(jobs)) await writeFile(join(jobsDirectory, `${name}.yaml`), yaml)
  const config = loadConfig({
    PORT: '0',
    JOBS_DIRECTORY: jobsDirectory,
    DATA_DIRECTORY: join(directory, 'data'),
    SHUTDOWN_SECONDS: '5',
    ...settings,
  })
  const { url, close } = await start(config, createLog('test', 'silent'))
  return {
    url,
    async stored() {
      if (config.store.kind !== 'folder') throw new Error('the embedded API has a folder')
      const entries = await readdir(config.store.directory, { recursive: true, withFileTypes: true })
      const objects = entries.filter((entry) => entry.isFile() && entry.name !== markerFile)
      return objects.map((entry) => join(entry.parentPath, entry.name))
    },
    async close() {
      await close()
      await endJobs(config.local.dataDirectory)
      await rm(directory, { recursive: true, force: true })
    },
  }
}
