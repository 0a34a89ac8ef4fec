import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../src/config.ts'
import { createLog } from '../../src/log.ts'
import { type Running, start } from '../../src/server.ts'

export interface Embedded extends Running {
  /** Its DATA_DIRECTORY. */
  directory: string
  /** Closes it and removes its folders. */
  remove(): Promise<void>
}

/** The API on the embedded default, on a free port, with the given configured jobs (YAML by name). */
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
  const running = await start(config, createLog('test', config.logLevel))
  return {
    ...running,
    directory: config.dataDirectory,
    async remove() {
      await running.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
