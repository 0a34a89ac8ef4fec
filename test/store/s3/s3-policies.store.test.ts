import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createS3Store, staticCredentials } from '../../../src/store/s3/s3.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { codeBlock } from '../../support/docs/code-blocks.ts'
import { s3Client } from '../../support/store/bucket.ts'
import { accessKeyWith } from '../../support/store/limited-credentials.ts'
import { type RunningMinio, startMinio } from '../../support/store/minio.ts'
import { s3Store } from '../../support/store/s3-store.ts'
import { describeStore, expectKind, keysOf } from '../conformance/store.conformance.ts'

interface Policy {
  Version: string
  Statement: { Effect: string; Action: string[]; Resource: string }[]
}

const text = codeBlock('docs/installing.md', "The store's keys", 's3:DeleteObject')
const policy = JSON.parse(text) as Policy
const partSize = 5 * 1024 * 1024

describe('the policy for S3_ACCESS_KEY in docs/installing.md', () => {
  let minio: RunningMinio
  beforeAll(async () => {
    minio = await startMinio()
  })
  afterAll(() => minio.stop())

  describeStore('lets the API do all with a bucket that exists', async () => {
    const store = await storeWith(policy, 'whole')
    return { store, dispose: () => store.close() }
  })

  it('does not let it make or reach another bucket', async () => {
    await s3Client(minio).makeBucket('other')
    const store = await storeWith(policy, 'own', 'other')
    await expectKind(store.prepare(), 'denied')
    await expectKind(store.get('x'), 'denied')
    await store.close()
  })

  it.each(policy.Statement.flatMap(({ Action }) => Action))(
    'is the least one: it needs %s',
    async (action) => {
      const Statement = policy.Statement.map((one) => ({
        ...one,
        Action: one.Action.filter((other) => other !== action),
      })).filter(({ Action }) => Action.length > 0)
      const bucket = `without-${action.slice('s3:'.length).toLowerCase()}`
      const store = await storeWith({ ...policy, Statement }, bucket)
      expect(await isWhole(store, bucket)).toBe(false)
      await store.close()
    },
  )

  it('lets the same calls succeed that need each of its actions', async () => {
    const store = await storeWith(policy, 'calls')
    expect(await isWhole(store, 'calls')).toBe(true)
    await store.close()
  })

  /** A store with a key of that policy, which is for `bucket`. */
  async function storeWith(limited: Policy, bucket: string, opened = bucket): Promise<ArtifactStore> {
    await s3Client(minio).makeBucket(bucket)
    const own = JSON.stringify(limited).replaceAll(':::jobferry', `:::${bucket}`)
    const { accessKey, secretKey } = await accessKeyWith(minio, own)
    const credentials = staticCredentials(accessKey, secretKey)
    const settings = { endpoint: minio.endpoint, region: 'us-east-1', prefix: '' }
    return createS3Store({ ...settings, bucket: opened, credentials })
  }

  /** True if writing, reading, listing, removing, and dropping of uploads all have their effect. */
  async function isWhole(store: ArtifactStore, bucket: string): Promise<boolean> {
    const owner = s3Store(minio, bucket)
    const open = await owner.createUpload('open', partSize)
    const other = await owner.createUpload('other', partSize)
    try {
      await store.prepare()
      await store.put('a', Buffer.from('a'))
      await store.get('a').then(({ stream }) => stream.destroy())
      const isListed = (await keysOf(store, '')).includes('a')
      await store.remove(['a'])
      await store.abortUpload(open)
      await store.abortUploads('other')
      // An upload that is gone is unknown to its owner, too.
      const left = [await owner.abortUpload(open), await owner.abortUpload(other)]
      return isListed && (await keysOf(owner, '')).length === 0 && !left.includes(true)
    } catch {
      return false
    } finally {
      await owner.close()
    }
  }
})
