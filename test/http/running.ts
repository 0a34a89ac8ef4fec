import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../src/config.ts'
import { createLog } from '../../src/log.ts'
import { start } from '../../src/server.ts'

export interface RunningApi {
  url: string
  /** Files that stand in the store. */
  stored(): Promise<string[]>
  close(): Promise<void>
}

/**
 * The whole API over the embedded backend and a folder of its own, which close() removes. `jobs` are configured
 * jobs, YAML by their names.
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
      return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    },
    async close() {
      await close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
