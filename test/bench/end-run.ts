import { rm } from 'node:fs/promises'
import { releaseJobs } from '../support/api/on-cluster.ts'
import { kubectl } from '../support/cluster/cluster.ts'
import { runLabel, testRun } from '../support/cluster/test-run.ts'
import { bucketPrefix, removeBucket, s3Client } from '../support/store/bucket.ts'
import { eventually } from '../support/time/eventually.ts'

/**
 * Removes everything that this run has started or made, at any point of the run: the processes of
 * its group, its namespaces, its buckets, its folder. Rejects with all errors.
 */
export async function endRun(group: number, folder: string): Promise<void> {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // All processes have ended by themselves.
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
    // The kubelet keeps the first grace it gets, an hour if the namespace's deletion comes first.
    await kubectl('-n', name, 'delete', 'pods', '--all', '--grace-period=1', '--wait=false')
    await kubectl('delete', 'namespace', name, '--ignore-not-found', '--wait=false')
    await releaseJobs(name)
  }
}

async function removeBuckets(): Promise<void> {
  const client = s3Client()
  const names = (await client.listBuckets()).map(({ name }) => name)
  for (const name of names.filter((one) => one.startsWith(bucketPrefix()))) {
    // A terminating pod may still write into the bucket.
    await eventually(() => removeBucket(client, name), { within: 30_000, every: 500 })
  }
}
