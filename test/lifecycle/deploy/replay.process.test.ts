import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { jobUuid } from '../../../src/job/job-uuid.ts'
import { mergeRequest } from '../../../src/job/request/request-merge.ts'
import type { PartialRequest } from '../../../src/job/request/request-schema.ts'
import type { Jobs } from '../../../src/lifecycle/jobs.ts'
import { createRecords } from '../../../src/lifecycle/records/records.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { startBackend } from '../../backends/local/setup.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { folderStore } from '../../support/store/folder-store.ts'
import { startJobsOver } from '../start-jobs.ts'

/** Requests that version 0.1 hashed as they were given, and these hashes. */
const of01: [given: PartialRequest, hash: string][] = [
  [{ image: 'busybox' }, '20e2bde064663160f1d5963f23be9cef9e10aef3716d502d875a09c35c9d909f'],
  [
    { image: 'busybox', result_layout: 'auto' },
    'de875fd9bf79d77dc033494c3baf4c991ecfbc2159abafee1ce5f2676d8e3da8',
  ],
  [
    { image: 'busybox', result_layout: 'files' },
    'fef5066d379f041de3b683a6b1d383728ed0fa5294472b5adb485f3c3d143d18',
  ],
]

it.each(of01)('the request %j of version 0.1 finds its job again by its key', async (given, hash) => {
  const store = await folderStore()
  const uuid = jobUuid('local', 'once')
  await putRecordOf01(store, uuid, given, hash)
  const jobs = await startJobs(store)
  expect(await deploy(jobs, given)).toEqual({ job_uuid: uuid })
  const others: PartialRequest[] = [
    { ...given, args: ['x'] },
    { ...given, result_layout: 'packed' },
  ]
  for (const other of others) {
    await expect(deploy(jobs, other)).rejects.toMatchObject({ code: 'idempotency-key-reused' })
  }
})

async function deploy(jobs: Jobs, request: PartialRequest) {
  const deployment = await jobs.beginDeployment('once')
  return await deployment.deploy(mergeRequest({ request }))
}

/** As version 0.1 wrote it: its requests have no layout unless they were given one. */
async function putRecordOf01(store: ArtifactStore, uuid: string, given: PartialRequest, hash: string) {
  const { result_layout: _, ...request } = mergeRequest({ request: given })
  const at = new Date().toISOString()
  const record = {
    version: 1,
    job: {
      ...{ job_uuid: uuid, job: null, state: 'succeeded', reason: null, message: null, exit_code: 0 },
      ...{ attempt: { number: 1, uid: randomUUID() }, created_at: at, started_at: at, finished_at: at },
      result: { state: 'complete', count: 0, bytes: 0 },
    },
    request: { ...request, ...given },
    request_sha256: hash,
    ended_at: at,
    logs: {},
  }
  await createRecords(store).write(JSON.parse(JSON.stringify(record)))
}

async function startJobs(store: ArtifactStore): Promise<Jobs> {
  return startJobsOver(await startBackend(temporaryFolder()), store)
}
