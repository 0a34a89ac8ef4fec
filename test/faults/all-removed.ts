import type { Client } from 'minio'
import { expect } from 'vitest'
import { objectKeys } from '../support/bucket.ts'
import { eventually } from '../support/eventually.ts'
import { deleteJobs } from '../support/on-cluster.ts'

export interface Place {
  namespace: string
  bucket: string
  client: Client
}

/** Deletes every job through the API; then nothing is left of them in the namespace and in the bucket. */
export async function expectAllRemoved(url: string, { namespace, bucket, client }: Place): Promise<void> {
  await deleteJobs(url, namespace)
  await eventually(async () => expect(await objectKeys(client, bucket)).toEqual([]), { within: 20_000 })
}
