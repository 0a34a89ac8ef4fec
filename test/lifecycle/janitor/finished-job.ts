import { randomUUID } from 'node:crypto'
import type { Leadership } from '../../../src/job/leadership.ts'
import type { FinalRecord } from '../../../src/lifecycle/records/final-record.ts'
import { writeCheckpoint } from '../../../src/result-format/checkpoint/checkpoint.ts'
import { packKey } from '../../../src/result-format/file-keys.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { writeManifest } from '../../../src/result-format/manifest/manifest-writer.ts'
import { putStream } from '../../../src/store/put-stream.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { headFor } from '../../result-format/fixtures.ts'
import { each } from '../../support/each.ts'

export interface Circumstances {
  leadership?: Pick<Leadership, 'isLeader'>
  /** What another backend answers. */
  backend?: object
}

/** A finished job's folder: a result with all that may lie beside it, and a replaced attempt. */
export async function finishedJob(store: ArtifactStore, record: FinalRecord) {
  const { job_uuid: uuid, attempt } = record.job
  const uid = attempt?.uid ?? ''
  const [shown, old] = [jobKeys.attempt(uuid, uid), randomUUID()]
  const replaced = jobKeys.attempt(uuid, old)
  const packs = [packKey('0123abcd', 1), packKey('0123abcd', 2)] as const
  const files = ['a', 'a.old', '~0123', '~0123.1', ...packs].map((key) => `files/${key}`)
  for (const key of [...files, 'log/worker.txt']) await store.put(shown + key, Buffer.from(key))
  for (const key of [jobKeys.input(uuid, 'in'), jobKeys.inputList(uuid, '0')])
    await store.put(key, Buffer.from('x'))
  const entries = [
    { path: 'a', type: 'file', size: 7, key: 'a' },
    { path: 'b', type: 'file', size: 13, key: '~0123.1' },
    { path: 'c', type: 'file', size: 1, key: packs[0], offset: 5 },
    { path: 'd', type: 'file', size: 1, key: packs[0], offset: 7 },
  ] as const
  const head = headFor(entries, { job: uuid, attempt: uid })
  await putStream(store, `${shown}manifest.ndjson`, writeManifest(head, each(entries)))
  await putStream(store, `${replaced}manifest.ndjson`, writeManifest(head, each(entries)))
  for (const one of [uid, old])
    await putCheckpoint(store, record, one, [await begun(store, jobKeys.attempt(uuid, one))])
  return { uuid, shown, replaced }
}

/** An upload in parts that nobody ended. */
export async function begun(store: ArtifactStore, folder: string): Promise<{ key: string; id: string }> {
  const upload = await store.createUpload(`${folder}files/large`, 5 * 2 ** 20)
  await store.putPart(upload, 1, Buffer.alloc(100))
  return { key: upload.key, id: upload.id }
}

export async function putCheckpoint(
  store: ArtifactStore,
  { job: { job_uuid: job } }: FinalRecord,
  attempt: string,
  uploads: { key: string; id: string }[],
): Promise<void> {
  await store.put(jobKeys.file(job, attempt, 'a'), Buffer.from('files/a'))
  const head = {
    version: 1,
    job,
    attempt,
    number: 1,
    scan_started_at: new Date(0).toISOString(),
    uploads,
  } as const
  const lines = each([{ path: 'a', type: 'file', size: 7, key: 'a' } as const])
  await putStream(store, jobKeys.checkpoint(job, attempt, 1), writeCheckpoint(head, lines))
}
