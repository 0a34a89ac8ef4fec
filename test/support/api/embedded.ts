import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Config, loadConfig } from '../../../src/config/config.ts'
import { type Running, start } from '../../../src/server.ts'
import { createLog } from '../../../src/util/log.ts'
import { endJobs } from '../end-jobs.ts'

export interface Embedded extends Running {
  config: Config
  /** Its DATA_DIRECTORY. */
  directory: string
  /** Closes it and removes its folders. */
  remove(): Promise<void>
}

/**
 * Starts the API with its embedded backends on a free port.
 * `jobs`: name → YAML of a configured job.
 */
export async function startEmbedded(
  jobs: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>> = {},
): Promise<Embedded> {
  const directory = await mkdtemp(join(tmpdir(), 'jobferry-test-'))
  const jobsDirectory = join(directory, 'jobs')
  await mkdir(jobsDirectory)
  for (const [name, yaml] of Object.entries(jobs)) await writeFile(join(jobsDirectory, `${name}.yaml`), yaml)
  const config = loadConfig({
    PORT: '0',
    DATA_DIRECTORY: join(directory, 'data'),
    JOBS_DIRECTORY: jobsDirectory,
    LOG_LEVEL: 'error',
    ...environment,
  })
  const running = await start(config, createLog('test', config.log.level))
  return {
    ...running,
    config,
    directory: config.local.dataDirectory,
    async remove() {
      await running.close()
      await endJobs(config.local.dataDirectory)
      await rm(directory, { recursive: true, force: true })
    },
  }
}
