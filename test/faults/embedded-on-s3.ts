import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApiProcess, startApiProcess } from '../support/api-process.ts'
import { objectKeys, type StoreAccess, temporaryBucket, testStore } from '../support/bucket.ts'
import { getJson, waitForFinal } from '../support/http.ts'

export interface EmbeddedOnS3 extends AsyncDisposable {
  readonly api: ApiProcess
  /** The port that the store listens on. */
  readonly storePort: number
  /** Runs a configured job to its end; gives its uuid. */
  run(job: string): Promise<string>
  keys(): Promise<string[]>
  /** Deletes every job, looks whether anything is left, and ends the API. */
  close(): Promise<void>
}

/**
 * The API as a process of its own that runs configured jobs (shell scripts by name) as child processes and keeps
 * what they leave in a bucket of its own: all of it on this machine, so that memory and sockets can be seen.
 */
export async function embeddedOnS3(
  scripts: Readonly<Record<string, string>>,
  access: StoreAccess = testStore(),
): Promise<EmbeddedOnS3> {
  const folder = await mkdtemp(join(tmpdir(), 'jobferry-clients-'))
  const jobs = join(folder, 'jobs')
  await mkdir(jobs)
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(jobs, `${name}.yaml`), `command: [sh, -c]\nargs: [${JSON.stringify(script)}]\n`)
  }
  const bucket = await temporaryBucket(access)
  const { endpoint, accessKey, secretKey } = access
  const api = await startApiProcess({
    DATA_DIRECTORY: join(folder, 'data'),
    JOBS_DIRECTORY: jobs,
    S3_ENDPOINT: endpoint,
    S3_ACCESS_KEY: accessKey,
    S3_SECRET_KEY: secretKey,
    S3_BUCKET: bucket.name,
  })
  const keys = () => objectKeys(bucket.client, bucket.name)
  const close = async () => {
    try {
      await deleteAll(api.url, keys)
    } finally {
      await api.stop()
      await bucket.remove()
      await rm(folder, { recursive: true })
    }
  }
  return {
    api,
    storePort: Number(new URL(endpoint).port),
    async run(job) {
      const { job_uuid: uuid } = await getJson<{ job_uuid: string }>(`${api.url}/job/deploy?job=${job}`)
      const { state, message } = await waitForFinal(api.url, uuid, 60)
      if (state !== 'succeeded') throw new Error(`the job has ${state}: ${message}`)
      return uuid
    },
    keys,
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function deleteAll(url: string, keys: () => Promise<string[]>): Promise<void> {
  const { jobs } = await getJson<{ jobs: { job_uuid: string }[] }>(`${url}/job?limit=10000`)
  for (const { job_uuid: uuid } of jobs) {
    const { status } = await fetch(`${url}/job/${uuid}`, { method: 'DELETE' })
    if (status !== 204) throw new Error(`DELETE /job/${uuid}: ${status}`)
  }
  const left = await keys()
  if (left.length > 0) throw new Error(`left in the bucket: ${left.join(', ')}`)
}
