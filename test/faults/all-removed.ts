import type { Client } from 'minio'
import { expect } from 'vitest'
import { deleteJobs } from '../support/api/on-cluster.ts'
import { objectKeys } from '../support/store/bucket.ts'
import { eventually } from '../support/time/eventually.ts'

export interface Place {
  namespace: string
  bucket: string
  client: Client
}

/**
 * Deletes every job through the API; expects none of their objects in the namespace and the bucket.
 */
export async function expectAllRemoved(url: string, { namespace, bucket, client }: Place): Promise<void> {
  await deleteJobs(url, namespace)
  await eventually(async () => expect(await objectKeys(client, bucket)).toEqual([]), { within: 20_000 })
}
