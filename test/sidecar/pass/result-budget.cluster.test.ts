import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { asJson, curl } from '../../support/api/curl.ts'
import { waitForFinal } from '../../support/api/http.ts'
import { type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { given } from '../../support/cluster/test-run.ts'
import { run } from '../../support/run.ts'

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({
    name: 'limits',
    environment: { RESULT_MAX_BYTES: '6000000', RESULT_MAX_ENTRIES: '40' },
  })
}, 120_000)
afterAll(() => api?.close())

it('5 MB on the disk don’t become more in the store than RESULT_MAX_BYTES allows', async () => {
  const job = await jobOf(`
    cd "$RESULT_DIRECTORY" && head -c 5000000 /dev/zero >five && mkdir links
    i=0; while [ $i -lt 21 ]; do ln five links/l$i; i=$((i+1)); done
    node -e 'fs.ftruncateSync(fs.openSync("sparse", "w"), 500_000_000)' && echo done >z`)
  expect(job).toMatchObject({ state: 'failed', reason: 'StorageFull', exit_code: 0 })
  expect(job.message).toContain(
    'RESULT_MAX_BYTES (6,000,000 bytes): 1 file is left out, the first is "sparse"',
  )
  expect(job.result).toMatchObject({ state: 'partial', count: 25, bytes: 22 * 5_000_000 + 5 })
  expect(await storedBytes(job.job_uuid)).toBeLessThan(6_000_000)

  const url = `${api.url}/job/${job.job_uuid}/result`
  const digest = createHash('sha256').update(Buffer.alloc(5_000_000)).digest('hex')
  const digests = await run('sh', [
    '-c',
    `curl -sf "${url}?file=five&file=links" | tar -x --to-command=sha256sum`,
  ])
  expect(digests.trim().split('\n')).toEqual(Array(22).fill(`${digest}  -`))
  const part = await curl(`${url}?file=links/l7`, '-H', 'range: bytes=4999990-')
  expect(part.body).toEqual(Buffer.alloc(10))
  const list = await curl(`${url}/list?verify=true`)
  expect(list.text()).not.toContain('damage')
  await curl(`${api.url}/job/${job.job_uuid}`, '-X', 'DELETE')
  await expect.poll(() => storedBytes(job.job_uuid), { timeout: 60_000 }).toBe(0)
}, 300_000)

it('names beyond RESULT_MAX_ENTRIES are left out, and the job says how many', async () => {
  const job = await jobOf(
    'cd "$RESULT_DIRECTORY" && i=100; while [ $i -lt 150 ]; do : >f$i; i=$((i+1)); done',
  )
  expect(job).toMatchObject({
    state: 'failed',
    reason: 'StorageFull',
    result: { state: 'partial', count: 40 },
  })
  expect(job.message).toContain('RESULT_MAX_ENTRIES (40): 10 names are left out, the first is "f140"')
}, 300_000)

it('a success that lacks a folder’s content says so', async () => {
  await using unlimited = await startOnCluster({ name: 'left-out' })
  // A path of more than 64 KiB has no entry. Node goes down name by name, since no call takes such a path.
  const dig = `process.chdir(process.env.RESULT_DIRECTORY)
    for (let depth = 0; depth < 270; depth += 1) { fs.mkdirSync("x".repeat(250)); process.chdir("x".repeat(250)) }`
  const script = `node -e '${dig}' && mkfifo "$RESULT_DIRECTORY/fifo" && echo kept >"$RESULT_DIRECTORY/kept"`
  const job = await jobOf(script, unlimited)
  expect(job).toMatchObject({ state: 'succeeded', reason: 'FilesLeftOut', result: { state: 'partial' } })
  expect(job.message).toMatch(
    /^1 of \d+ entries is not stored whole; it is "x+… \(its path is longer than 65536 bytes/,
  )
  expect(job.message).toContain('1 name is a socket, a FIFO or a device')
}, 300_000)

async function jobOf(script: string, { url } = api): Promise<Job> {
  const request = {
    image: given('UPLOADER_IMAGE'),
    image_pull_policy: 'IfNotPresent',
    command: ['sh', '-ec', script],
    upload_while_running: false,
  }
  const deployed = await curl(`${url}/job/deploy`, ...asJson(request))
  return await waitForFinal(url, deployed.json<{ job_uuid: string }>().job_uuid, 180)
}

async function storedBytes(uuid: string): Promise<number> {
  let bytes = 0
  for await (const { name = '', size = 0 } of api.client.listObjectsV2(api.bucket, `jobs/${uuid}/`, true))
    if (name.includes('/files/')) bytes += size
  return bytes
}
