import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApiProcess, startApiProcess } from '../support/api/api-process.ts'
import { getJson, waitForFinal } from '../support/api/http.ts'
import { objectKeys, type StoreAccess, temporaryBucket, testStore } from '../support/store/bucket.ts'

export interface EmbeddedOnS3 extends AsyncDisposable {
  readonly api: ApiProcess
  /** The port that the store listens on. */
  readonly storePort: number
  /**
   * Runs a configured job; resolves with its uuid once it has succeeded, throws on any other end.
   */
  run(job: string): Promise<string>
  keys(): Promise<string[]>
  /** Deletes every job and stops the API. Throws if the bucket still has objects. */
  close(): Promise<void>
}

/**
 * Starts the API as a process that runs configured jobs (`scripts`: name → shell)
 * as child processes and stores in a new bucket. All of it is on this machine, so
 * that memory and sockets are visible.
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
