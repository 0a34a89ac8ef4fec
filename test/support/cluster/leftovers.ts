import { bucketPrefix, objectKeys, s3Client } from '../store/bucket.ts'
import { eventually } from '../time/eventually.ts'
import { kubectl } from './cluster.ts'
import { runLabel, testRun } from './test-run.ts'

const kinds = 'jobs,pods,configmaps,secrets,leases,persistentvolumeclaims'

/** Kind, namespace and name of each object in the cluster that has Jobferry's label. */
export async function jobferryObjects(): Promise<string[]> {
  return await names('get', kinds, '--all-namespaces', '-l', 'app.kubernetes.io/managed-by=jobferry')
}

/**
 * Rejects with the names of all that this test run left behind: its namespaces, its buckets with
 * their number of objects and, if given, objects with Jobferry's label that were not there `before`
 * the tests.
 */
export async function expectNothingLeft(before?: readonly string[]): Promise<void> {
  const own = ['-l', `${runLabel}=${testRun()}`]
  await eventually(
    async () => {
      const left = [
        ...(await names('get', 'namespaces', ...own)),
        ...(before ? (await jobferryObjects()).filter((name) => !before.includes(name)) : []),
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
