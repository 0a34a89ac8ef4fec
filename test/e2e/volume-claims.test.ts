import { describe, expect, it } from 'vitest'
import { waitForFinal } from '../support/api/http.ts'
import { type OnCluster, startOnCluster } from '../support/api/on-cluster.ts'
import { testVolumes } from '../support/cluster/volumes.ts'
import { damageOf, deployFiles, removeJob } from '../support/files/random-files.ts'

const files = { count: 20, bytes: 5000 }

describe('results on a volume claim', () => {
  it('are stored for a worker of any user, and removed with the job', async () => {
    await using volumes = await testVolumes({ count: 2, mebibytes: 32 })
    await using api = await startOnCluster({ name: 'claims' })
    for (const user of [{}, { run_as_user: 1234 }]) await expectStored(api, volumes.storageClass, user)
  })

  it('are stored if the cluster chooses the storage class', async () => {
    await using _volumes = await testVolumes({ isDefault: true })
    await using api = await startOnCluster({ name: 'claims' })
    await expectStored(api, '', {})
  })

  it('are stored in a namespace at the level `restricted`', async () => {
    await using volumes = await testVolumes({ count: 2 })
    await using api = await startOnCluster({ name: 'claims', podSecurity: 'restricted' })
    for (const user of [{}, { run_as_user: 1234 }]) await expectStored(api, volumes.storageClass, user)
  })
})

async function expectStored(api: OnCluster, storageClass: string, more: object): Promise<void> {
  // Only the worker's user may read its files.
  const then = 'chmod 0600 *; id -u'
  const claim = { result_storage: '20Mi', result_storage_class: storageClass }
  const uuid = await deployFiles(api.url, files, then, { ...claim, ...more })
  const result = { state: 'complete', count: files.count, bytes: files.count * files.bytes }
  expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({ state: 'succeeded', result })
  expect(await damageOf(api.url, uuid)).toEqual([])
  await removeJob(api, uuid)
}
