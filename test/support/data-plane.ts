import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApiProcess, startApiProcess } from './api-process.ts'
import { dataPlaneSettings } from './dataflow-run.ts'
import type { Dataspace } from './dataspace.ts'
import { freePort } from './free-port.ts'

export interface DataPlane {
  api: ApiProcess
  settings: Record<string, string>
  /** Ends it and removes its folder. */
  remove(): Promise<void>
}

/**
 * The API on the embedded default as a data plane: each configured job (a shell script by its name) is a dataset of that
 * name, the file `report.txt` of its results; a job's uuid is a dataset too, of the results that it has.
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
      await rm(directory, { recursive: true })
    },
  }
  return plane
}
