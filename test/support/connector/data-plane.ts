import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApiProcess, startApiProcess } from '../api/api-process.ts'
import { endJobs } from '../end-jobs.ts'
import { freePort } from '../free-port.ts'
import { dataPlaneSettings } from './dataflow-run.ts'
import type { Dataspace } from './dataspace.ts'

export interface DataPlane {
  api: ApiProcess
  settings: Record<string, string>
  /** Stops the API and its jobs, and removes its folder. */
  remove(): Promise<void>
}

/**
 * Starts the API with its embedded backends as a data plane. Each configured job (`jobs`: name →
 * shell script) is a dataset of its name, with the file `report.txt` of a new job; an existing
 * job's uuid is a dataset too, with the same file of its results.
 */
export async function startDataPlane(
  space: Dataspace,
  jobs: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>> = {},
): Promise<DataPlane> {
  const directory = await mkdtemp(join(tmpdir(), 'jobferry-data-plane-'))
  await mkdir(join(directory, 'jobs'))
  for (const [name, script] of Object.entries(jobs)) {
    const job = { image: 'none', command: ['sh', '-c', script] }
    await writeFile(join(directory, 'jobs', `${name}.yaml`), JSON.stringify(job))
  }
  const datasets = [
    ...Object.keys(jobs).map((name) => ({ id: name, job: name, file: 'report.txt' })),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the mapping's own placeholder
    { pattern: '[0-9a-f-]{36}', job_uuid: '${id}', file: 'report.txt' },
  ]
  await writeFile(join(directory, 'datasets.yaml'), JSON.stringify({ datasets }))
  const settings = {
    ...dataPlaneSettings(space, await freePort()),
    DATA_DIRECTORY: join(directory, 'data'),
    JOBS_DIRECTORY: join(directory, 'jobs'),
    DATASETS_FILE: join(directory, 'datasets.yaml'),
    ...environment,
  }
  const plane: DataPlane = {
    api: await startApiProcess(settings),
    settings,
    async remove() {
      await plane.api.stop()
      await endJobs(settings.DATA_DIRECTORY)
      await rm(directory, { recursive: true })
    },
  }
  return plane
}
