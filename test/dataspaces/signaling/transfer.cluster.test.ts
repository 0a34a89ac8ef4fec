import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { apiOnCluster } from '../../support/api/api-on-cluster.ts'
import { busybox } from '../../support/api/on-cluster.ts'
import {
  dataPlaneSettings,
  startMessage,
  stateOf,
  tell,
  wholeTransfer,
} from '../../support/connector/dataflow-run.ts'
import { startDataspace } from '../../support/connector/dataspace.ts'
import { freePort } from '../../support/free-port.ts'

it('makes the data of a transfer by a job on the cluster, even if one of two replicas is killed', async () => {
  await using space = await startDataspace()
  const directory = await mkdtemp(join(tmpdir(), 'jobferry-cluster-transfer-'))
  await mkdir(join(directory, 'jobs'))
  const job = busybox('sleep 4; printf "made for a transfer" > $RESULT_DIRECTORY/report.txt')
  await writeFile(join(directory, 'jobs', 'report.yaml'), JSON.stringify(job))
  const datasets = [{ id: 'report', job: 'report', file: 'report.txt' }]
  await writeFile(join(directory, 'datasets.yaml'), JSON.stringify({ datasets }))
  const environment = {
    JOBS_DIRECTORY: join(directory, 'jobs'),
    DATASETS_FILE: join(directory, 'datasets.yaml'),
    SHUTDOWN_SECONDS: '1',
  }
  const cluster = await apiOnCluster({ name: 'dataflow', environment })
  try {
    const dying = await cluster.start(dataPlaneSettings(space, await freePort()))
    const outlived = randomUUID()
    expect((await tell(dying.url, 'start', startMessage(space, outlived, 'report'))).status).toBe(202)
    const api = await cluster.start(dataPlaneSettings(space, await freePort()))
    expect((await tell(api.url, 'start', startMessage(space, outlived, 'report'))).status).toBe(409)
    await dying.kill()

    const made = { process: randomUUID(), dataset: 'report', expected: 'made for a transfer', seconds: 90 }
    await wholeTransfer(api.url, space, made)
    await space.until(`/transfers/${outlived}/dataflow/started`, 90_000)
    expect(await stateOf(api.url, outlived)).toBe('STARTED')
  } finally {
    await cluster.close()
    await rm(directory, { recursive: true })
  }
})
