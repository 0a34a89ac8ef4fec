import { bucketPrefix, objectKeys, s3Client } from './bucket.ts'
import { kubectl } from './cluster.ts'
import { eventually } from './eventually.ts'
import { runLabel, testRun } from './test-run.ts'

const kinds = 'jobs,pods,configmaps,secrets,leases,persistentvolumeclaims'

/**
 * Rejects with the names of what this run of the tests left behind: namespaces, objects that carry Jobferry's
 * label (with `everywhere` in any namespace, else in the run's own), buckets with objects.
 */
export async function expectNothingLeft({ everywhere }: { everywhere: boolean }): Promise<void> {
  const own = ['-l', `${runLabel}=${testRun()}`]
  await eventually(
    async () => {
      const left = [
        ...(await names('get', 'namespaces', ...own)),
        ...(everywhere
          ? await names('get', kinds, '--all-namespaces', '-l', 'app.kubernetes.io/managed-by=jobferry')
          : []),
      ]
      if (left.length > 0) throw new Error(`left in the cluster: ${left.join(', ')}`)
    },
    { within: 60_000, every: 1000 },
  )
  const client = s3Client()
  const left: string[] = []
  for (const { name } of await client.listBuckets()) {
    if (name.startsWith(bucketPrefix()))
      left.push(`${name} with ${(await objectKeys(client, name)).length} objects`)
  }
  if (left.length > 0) throw new Error(`left in the store: ${left.join(', ')}`)
}

async function names(...args: string[]): Promise<string[]> {
  const columns = 'custom-columns=KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name'
  const printed = await kubectl(...args, '--ignore-not-found', '--no-headers', '-o', columns)
  return printed
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.trim().replace(/\s+/g, ' '))
}
