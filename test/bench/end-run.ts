import { rm } from 'node:fs/promises'
import { bucketPrefix, removeBucket, s3Client } from '../support/bucket.ts'
import { kubectl } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { releaseJobs } from '../support/on-cluster.ts'
import { runLabel, testRun } from '../support/test-run.ts'

/**
 * Ends all that this run has begun, however far it came: the processes of its group, its namespaces, its buckets, its
 * folder. Rejects with all that could not be ended.
 */
export async function endRun(group: number, folder: string): Promise<void> {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // All have ended by themselves.
  }
  const done = await Promise.allSettled([
    removeNamespaces(),
    removeBuckets(),
    rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  ])
  const errors = done.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  if (errors.length > 0) throw new AggregateError(errors, 'not all of this run could be ended')
}

async function removeNamespaces(): Promise<void> {
  const ours = ['-l', `${runLabel}=${testRun()}`, '-o', 'jsonpath={.items[*].metadata.name}']
  const names = (await kubectl('get', 'namespaces', ...ours)).split(' ').filter((name) => name !== '')
  for (const name of names) {
    // The first stop decides the grace, which is an hour where the namespace's end is the first.
    await kubectl('-n', name, 'delete', 'pods', '--all', '--grace-period=1', '--wait=false')
    await kubectl('delete', 'namespace', name, '--ignore-not-found', '--wait=false')
    await releaseJobs(name)
  }
}

async function removeBuckets(): Promise<void> {
  const client = s3Client()
  const names = (await client.listBuckets()).map(({ name }) => name)
  for (const name of names.filter((one) => one.startsWith(bucketPrefix()))) {
    // A pod that ends still writes into it.
    await eventually(() => removeBucket(client, name), { within: 30_000, every: 500 })
  }
}
