import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { deployJob, getJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { applyManifests, kubectl } from '../../support/cluster/cluster.ts'
import { mountFile, type TestVolumes, testVolumes } from '../../support/cluster/volumes.ts'
import { sha256OfPatterned, writePatterned } from '../../support/files/patterned.ts'
import { run } from '../../support/run.ts'
import { setBucketQuota } from '../../support/store/bucket-quota.ts'
import { type MinioProcess, startMinioProcess } from '../../support/store/minio-process.ts'
import { eventually } from '../../support/time/eventually.ts'
import { expectWritten } from '../as-written.ts'
import { fault, outage, rounds } from '../plan.ts'

/*
 * A job's files exceed the room on its node, on its volume, in the bucket, or on the store's disk.
 */

const MB = 1_000_000

describe('a pod', () => {
  let api: OnCluster
  beforeAll(async () => {
    api = await startOnCluster({ name: 'too-large' })
    const limits = [{ type: 'Container', default: { 'ephemeral-storage': '10Mi' } }]
    const metadata = { name: 'limits', namespace: api.namespace }
    await applyManifests(JSON.stringify({ apiVersion: 'v1', kind: 'LimitRange', metadata, spec: { limits } }))
  })
  afterAll(() => api?.close())

  // The kubelet measures a pod's disk usage every ten seconds at best.
  const limited: [string, string, number, object, string[]][] = [
    [
      'writes more results than `result_storage`',
      '/output',
      40,
      { result_storage: '5Mi' },
      ['5Mi', 'result_storage'],
    ],
    ['writes more results than its LimitRange allows', '/output', 40, {}, ['20Mi', 'result_storage_class']],
    ['writes more temporary files than its LimitRange allows', '/tmp', 14, {}, ['10Mi', 'LimitRange']],
  ]
  for (const [what, folder, mebibytes, fields, words] of limited) {
    fault(`${what} → StorageFull, no further attempt, and the message names the limit`, 120, async () => {
      const script = `dd if=/dev/zero of=${folder}/big bs=1M count=${mebibytes}; sleep 300`
      const job = await ended(api, script, fields)
      expect(job, job.message ?? '').toMatchObject({
        state: 'failed',
        reason: 'StorageFull',
        attempt: { number: 1 },
      })
      for (const word of words) expect(job.message).toContain(word)
    })
  }
})

describe('a volume claim', () => {
  let api: OnCluster
  let volumes: TestVolumes
  beforeAll(async () => {
    api = await startOnCluster({ name: 'too-large' })
    volumes = await testVolumes({ count: 2 * rounds, mebibytes: 20 })
  })
  afterAll(async () => {
    await api?.close()
    await volumes?.remove()
  })

  const fill = `${writePatterned('/output/first', 'first', MB)} && ${writePatterned('/output/big', 'big', 50 * MB)}`

  fault(
    'that a worker fills before it fails → StorageFull with figures, the written bytes kept',
    60,
    async () => {
      const job = await ended(api, fill, onClaim())
      expect(job, job.message ?? '').toMatchObject({ state: 'failed', reason: 'StorageFull', exit_code: 1 })
      expect(job.message).toMatch(/exited with code 1.*\([\d.]+ of 1\d(\.\d)? MB are free.*result_storage/s)
      expect(job.result.state).toBe('partial')
      await expectAsFarAsWritten(api, job)
    },
  )

  fault(
    'that a worker fills before it exits 0 → succeeded, and the message names the full volume',
    60,
    async () => {
      const job = await ended(api, `${fill}; exit 0`, onClaim())
      expect(job, job.message ?? '').toMatchObject({ state: 'succeeded', reason: null })
      expect(job.message).toMatch(/full when the worker ended \([\d.]+ of 1\d(\.\d)? MB are free\)/)
      expect(job.result.state).toBe('complete')
      await expectAsFarAsWritten(api, job)
    },
  )

  function onClaim() {
    return { result_storage: '20Mi', result_storage_class: volumes.storageClass }
  }
})

describe('the store', () => {
  let folder: string
  let minio: MinioProcess
  let api: OnCluster
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'too-large-'))
    await mkdir(join(folder, 'data'))
    await mountFile(join(folder, 'ext4'), join(folder, 'data'), 200)
    minio = await startMinioProcess({ folder: join(folder, 'data') })
    const environment = { S3_ENDPOINT_FOR_PODS: minio.endpoint }
    api = await startOnCluster({ name: 'too-large', store: minio, environment })
  })
  afterAll(async () => {
    await api?.close()
    await minio?.close()
    await run('umount', ['--lazy', join(folder, 'data')])
    await rm(folder, { recursive: true, force: true })
  })

  const filler = () => join(folder, 'data', 'filler')
  const full: Record<string, { begin(): Promise<void>; end(): Promise<void>; word: string; kept: string[] }> =
    {
      'has no quota left': {
        begin: () => setBucketQuota(minio, api.bucket, 4 * MB),
        end: () => setBucketQuota(minio, api.bucket, 0),
        word: 'QuotaExceeded',
        kept: ['small'],
      },
      'has no disk left': {
        begin: async () => {
          await writeFile(filler(), '')
          // cat fails once the disk is full.
          await run('sh', ['-c', `cat /dev/zero > ${filler()} 2>/dev/null || true`])
          await truncate(filler(), 170 * MB)
        },
        end: () => rm(filler()),
        word: 'XMinioStorageFull',
        // A checkpoint finds no room either.
        kept: [],
      },
    }
  const script = `${writePatterned('/output/small', 'small', 1000)}; ${writePatterned('/output/big', 'big', 40 * MB)}`
  const written = new Map([
    ['small', sha256OfPatterned('small', 1000)],
    ['big', sha256OfPatterned('big', 40 * MB)],
  ])

  for (const [name, { begin, end, word, kept }] of Object.entries(full)) {
    fault(
      `${name} and later gets more → storing as StorageFull with figures, then complete`,
      60,
      async () => {
        const uuid = await deployed(api, `sleep 3; ${script}`)
        await running(api, uuid)
        await begin()
        try {
          await eventually(() => expectStorageFull(uuid, 'storing', word), { within: 40_000, every: 500 })
          await outage()
          await expectStorageFull(uuid, 'storing', word)
        } finally {
          await end()
        }
        expect(await waitForFinal(api.url, uuid, 40)).toMatchObject({
          state: 'succeeded',
          message: expect.stringContaining(' stored'),
          result: { state: 'complete' },
        })
        await expectWritten(api.url, uuid, written)
      },
    )

    fault(
      `${name} until the upload timeout → failed as StorageFull with figures, the stored files kept`,
      60,
      async () => {
        const uuid = await deployed(api, `sleep 3; ${script}`, { upload_timeout_seconds: 20 })
        await running(api, uuid)
        await begin()
        try {
          await eventually(() => expectUploaderGone(uuid), { within: 50_000, every: 500 })
        } finally {
          await end()
        }
        // Without room the API can't write the list of the stored files either.
        await waitForFinal(api.url, uuid, 30)
        await expectStorageFull(uuid, 'failed', word)
        const { result } = await getJson<Job>(`${api.url}/job/${uuid}`)
        expect(result.state).toBe('partial')
        const expected = [...written].filter(([path]) => kept.includes(path))
        await expectWritten(api.url, uuid, new Map(expected))
      },
    )
  }

  async function expectUploaderGone(uuid: string): Promise<void> {
    const pod = ['get', 'pods', '-l', `jobferry.dev/job=${uuid}`, '-o', 'jsonpath={.items[*].status.phase}']
    expect(await kubectl('-n', api.namespace, ...pod)).toBe('Succeeded')
    const { reason } = await getJson<Job>(`${api.url}/job/${uuid}`)
    expect(reason).toBe('StorageFull')
  }

  async function expectStorageFull(uuid: string, state: string, word: string): Promise<void> {
    const job = await getJson<Job>(`${api.url}/job/${uuid}`)
    expect(job, JSON.stringify(job)).toMatchObject({ state, reason: 'StorageFull' })
    expect(job.message).toContain(api.bucket)
    expect(job.message).toContain(word)
    expect(job.message).toMatch(/of 40 MB stored/)
  }
})

function deployed(api: OnCluster, script: string, fields: object = {}): Promise<string> {
  return deployJob(api.url, { ...busybox(script), ...fields })
}

async function ended(api: OnCluster, script: string, fields: object): Promise<Job> {
  return await waitForFinal(api.url, await deployed(api, script, fields), 110, 200)
}

async function running(api: OnCluster, uuid: string): Promise<void> {
  await eventually(async () => expect((await getJson<Job>(`${api.url}/job/${uuid}`)).state).toBe('running'), {
    within: 30_000,
  })
}

/** Expects `first` whole and `big` truncated, each a prefix of the bytes that the worker wrote. */
async function expectAsFarAsWritten(api: OnCluster, { job_uuid: uuid }: Job): Promise<void> {
  const { files } = await getJson<{ files: { path: string; size: number }[] }>(
    `${api.url}/job/${uuid}/result/list`,
  )
  expect(files.map(({ path }) => path)).toEqual(['big', 'first'])
  const digests = files.map(({ path, size }): [string, string] => [path, sha256OfPatterned(path, size)])
  await expectWritten(api.url, uuid, new Map(digests))
  expect(files[1]?.size).toBe(MB)
  expect(files[0]?.size).toBeGreaterThan(10 * MB)
}
