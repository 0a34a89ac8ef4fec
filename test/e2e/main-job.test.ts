import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Job } from '../../src/job/job.ts'
import { jobLinks } from '../../src/job/links.ts'
import { type CurlAnswer, curl as curlUrl } from '../support/api/curl.ts'
import { waitForFinal } from '../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster, untilState } from '../support/api/on-cluster.ts'
import { kubectl } from '../support/cluster/cluster.ts'
import { rosbagLibrary } from '../support/files/rosbag.ts'
import { run } from '../support/run.ts'
import { objectKeys } from '../support/store/bucket.ts'
import { eventually } from '../support/time/eventually.ts'

/*
 * A user's calls, made with curl, against a real cluster and a real store.
 */

let api: OnCluster
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobferry-main-job-'))
  api = await startOnCluster({ name: 'main-job', environment: { DEMO_WAIT_SECONDS: '60' } })
})
afterAll(async () => {
  await api?.close()
  await rm(folder, { recursive: true })
})

interface Deployed {
  status: string
  job_uuid: string
  links: Record<string, string>
}

interface Page {
  job_uuid: string
  result_state: string
  count: number
  bytes: number
  files: { path: string; type: string; size: number; mode: string; sha256: string; target?: string }[]
  next: string | null
}

describe('the configured job `default`', () => {
  let uuid: string
  beforeAll(async () => {
    const answer = await curl('/job/deploy')
    expect(answer.head).toMatch(/^HTTP\/1.1 200 /)
    expect(answer.head).toMatch(/^cache-control: no-store\r$/im)
    const deployed = answer.json<Deployed>()
    uuid = deployed.job_uuid
    const self = `/job/${uuid}`
    expect(deployed).toEqual({
      status: 'job deployed',
      job_uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      links: jobLinks(uuid),
    })
    // While the worker runs, the log comes from the pod, and the answer ends with the worker.
    await untilState(api.url, uuid, 'running')
    const live = await curl(`${self}/log?follow=true`)
    expect(live.text()).toBe('a second of hard work\nwrote hello.txt\n')
  })

  it('succeeds, and is in the list of jobs', async () => {
    expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({
      job: 'default',
      state: 'succeeded',
      reason: null,
      exit_code: 0,
      attempt: { number: 1 },
      result: { state: 'complete', count: 1 },
    })
    const { jobs } = (await curl('/job?limit=10')).json<{ jobs: Job[] }>()
    expect(jobs.find((job) => job.job_uuid === uuid)).toMatchObject({ state: 'succeeded' })
  })

  it('lists its file and serves the whole file, a range, and a 304 for a known ETag', async () => {
    const page = (await curl(`/job/${uuid}/result/list`)).json<Page>()
    expect(page).toMatchObject({ job_uuid: uuid, result_state: 'complete', count: 1, next: null })
    expect(page.files).toMatchObject([{ path: 'hello.txt', type: 'file', mode: '0644' }])

    const path = `/job/${uuid}/result?file=hello.txt`
    const whole = await curl(path)
    const text = whole.text()
    expect(text).toMatch(/^Hello from job-[0-9a-f-]+\S*, Node v24/)
    const digest = createHash('sha256').update(whole.body)
    const hex = digest.copy().digest('hex')
    expect(hex).toBe(page.files[0]?.sha256)
    for (const line of [
      `content-length: ${whole.body.length}`,
      'content-type: text/plain; charset=utf-8',
      `etag: "${hex}"`,
      `repr-digest: sha-256=:${digest.digest('base64')}:`,
      'content-disposition: inline; filename=hello.txt',
      'jobferry-result-state: complete',
    ]) {
      expect(whole.head.toLowerCase()).toContain(`\r\n${line.toLowerCase()}\r\n`)
    }
    const head = await curl(path, '--head')
    expect(head.text()).toContain(`ETag: "${hex}"`)
    const part = await curl(path, '--range', '6-9')
    expect(part.head).toMatch(/^HTTP\/1.1 206 /)
    expect(part.text()).toBe(text.slice(6, 10))
    expect((await curl(path, '-H', `If-None-Match: "${hex}"`)).head).toMatch(/^HTTP\/1.1 304 /)
  })

  it('serves its log from the store after its pod is gone', async () => {
    await eventually(async () => {
      const logs = await objectKeys(api.client, api.bucket, `jobs/${uuid}/`)
      expect(logs.filter((key) => /\/log\/(?:worker|uploader)\.txt$/.test(key))).toHaveLength(2)
    })
    await kubectl('-n', api.namespace, 'delete', 'pods', '-l', `jobferry.dev/job=${uuid}`)
    expect((await curl(`/job/${uuid}/log`)).text()).toBe('a second of hard work\nwrote hello.txt\n')
    expect((await curl(`/job/${uuid}/log?tail=1`)).text()).toBe('wrote hello.txt\n')
    const uploader = (await curl(`/job/${uuid}/log?container=uploader`)).text()
    expect(uploader).toContain('"msg":"stored"')
  })

  it('is gone from the API, the cluster and the store after its DELETE', async () => {
    expect((await curl(`/job/${uuid}`, '-X', 'DELETE')).head).toMatch(/^HTTP\/1.1 204 /)
    expect((await curl(`/job/${uuid}`)).head).toMatch(/^HTTP\/1.1 404 /)
    await eventually(
      async () => {
        expect(await objectsOf(uuid)).toBe('')
        expect(await objectKeys(api.client, api.bucket)).toEqual([])
      },
      { within: 45_000 },
    )
  })
})

describe('a rosbag', () => {
  it('that a worker copies has the same bytes and messages in the result', async () => {
    const rosbag = await rosbagLibrary()
    const sent = join(folder, 'drive.bag')
    await rosbag.write(sent)
    expect((await stat(sent)).size).toBeGreaterThan(30e6)
    const messages = await rosbag.read(sent)
    expect(messages).toHaveLength(440)

    const deployed = await curl(
      '/job/deploy',
      ...[
        '-F',
        `request=${JSON.stringify(busybox('cp -v "$INPUT_DIRECTORY/drive.bag" "$RESULT_DIRECTORY/"'))}`,
      ],
      ...['-F', `input=@${sent}`],
    )
    expect(deployed.head).toMatch(/^HTTP\/1.1 201 /m)
    const { job_uuid: uuid } = deployed.json<Deployed>()
    expect(deployed.head).toContain(`Location: /job/${uuid}\r\n`)
    const job = await waitForFinal(api.url, uuid, 90)
    expect(job, JSON.stringify(job)).toMatchObject({ state: 'succeeded' })

    const returned = join(folder, 'returned.bag')
    await curl(`/job/${uuid}/result?file=drive.bag`, '-o', returned)
    expect(await sha256(returned)).toBe(await sha256(sent))
    expect(await rosbag.read(returned)).toEqual(messages)

    const unpacked = join(folder, 'unpacked')
    await mkdir(unpacked)
    await curl(`/job/${uuid}/result`, '-o', join(folder, 'results.tar'))
    await run('tar', ['-xf', join(folder, 'results.tar'), '-C', unpacked])
    expect(await readdir(unpacked)).toEqual(['drive.bag'])
    expect(await sha256(join(unpacked, 'drive.bag'))).toBe(await sha256(sent))
  })
})

it('runs the demo job and shows its file in one call', async () => {
  const demo = await curl('/demo')
  expect(demo.head).toMatch(/^HTTP\/1.1 200 /)
  expect(demo.text()).toMatch(/^Hello from /)
})

it('reports its health and its metrics', async () => {
  for (const path of ['/health/live', '/health/ready', '/health']) {
    expect((await curl(path)).head, path).toMatch(/^HTTP\/1.1 200 /)
  }
  const metrics = (await curl('/metrics')).text()
  expect(metrics).toMatch(/^jobferry_\w*jobs\w*\{.*state="succeeded".*\} \d+$/m)
})

function curl(path: string, ...args: string[]): Promise<CurlAnswer> {
  return curlUrl(`${api.url}${path}`, ...args)
}

function objectsOf(uuid: string): Promise<string> {
  const selector = `jobferry.dev/job=${uuid}`
  return kubectl('-n', api.namespace, 'get', 'jobs,pods,secrets,configmaps', '-l', selector, '-o', 'name')
}

async function sha256(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}
