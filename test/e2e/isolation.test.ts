import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Entry } from '../../src/result-format/entry.ts'
import { curl } from '../support/api/curl.ts'
import { getJson, waitForFinal } from '../support/api/http.ts'
import { type OnCluster, startOnCluster } from '../support/api/on-cluster.ts'
import { given } from '../support/cluster/test-run.ts'
import { type ProbeReport, plantedLinks, uploaderRequests } from '../support/files/prober.ts'
import { harmless, swappedCount } from '../support/files/swapper.ts'
import { objectKeys, testStore } from '../support/store/bucket.ts'
import { eventually } from '../support/time/eventually.ts'

/*
 * A hostile worker reaches nothing but its own job. Workers run as root if the pod security level
 * allows it, in an image with tools.
 */

const canary = `canary-${randomBytes(12).toString('hex')}`

describe.each(['baseline', 'restricted'] as const)('a worker at the level %s', (podSecurity) => {
  const asRoot = podSecurity === 'baseline' ? { run_as_user: 0 } : {}
  let api: OnCluster
  beforeAll(async () => {
    api = await startOnCluster({ name: 'isolation', podSecurity })
  })
  afterAll(() => api?.close())

  describe('that looks around', () => {
    let report: ProbeReport
    let entries: Entry[]
    beforeAll(async () => {
      const { accessKey, secretKey } = testStore()
      const needles = [canary, secretKey, accessKey].map((text) => [...text].reverse().join(''))
      const script = `exec node "$INPUT_DIRECTORY/prober.ts" ${needles.join(' ')}`
      const uuid = await deploy(api, 'prober.ts', script, asRoot)
      const job = await waitForFinal(api.url, uuid, 90)
      // The uploader took none of the worker's requests for a stop.
      expect(job, JSON.stringify(job)).toMatchObject({ state: 'succeeded', result: { state: 'complete' } })
      report = await getJson<ProbeReport>(`${api.url}/job/${uuid}/result?file=report.json`)
      entries = await listOf(api, uuid)
    })

    it('finds its own variables, and no key of the store', () => {
      const [own, ...keys] = report.found
      expect(report.searched).toBeGreaterThan(1000)
      expect(own).toContain('/proc/1/environ')
      expect(keys).toEqual([[], []])
    })

    it('has no token, and the API server refuses its requests', () => {
      expect(report.secrets).toEqual([])
      for (const [path, status] of Object.entries(report.apiServer))
        expect([401, 403], path).toContain(status)
    })

    it('sees no process but its own', () => {
      expect(report.commands).not.toEqual([])
      for (const command of report.commands) expect(command).toMatch(/prober\.ts/)
    })

    it('gets only the readiness from the uploader’s port', () => {
      for (const line of uploaderRequests) {
        const expected =
          { 'GET /ready': '200 ready', 'HEAD /ready': '404', 'POST /end': '401 the signature is wrong' }[
            line as string
          ] ?? '404 not found'
        expect([line, report.uploader[line]]).toEqual([line, expected])
      }
    })

    it('can make no device, leaves links as links, and a pipe as a skipped name', () => {
      const links = entries.filter(({ type }) => type === 'symlink')
      expect(Object.fromEntries(links.map(({ path, target }) => [path, target]))).toEqual(plantedLinks)
      const others = entries.filter(({ type }) => type !== 'symlink')
      expect(others.map(({ path, type }) => [path, type])).toEqual([
        ['pipe', 'skipped'],
        ['report.json', 'file'],
      ])
      expect([report.devices, report.pipes]).toEqual([[], ['pipe']])
    })
  })

  it('that swaps folders for links until it ends leaves only links', async () => {
    const uuid = await deploy(api, 'swapper.ts', 'exec node "$INPUT_DIRECTORY/swapper.ts" 2', asRoot)
    expect(await waitForFinal(api.url, uuid, 90)).toMatchObject({ state: 'succeeded' })
    const entries = await listOf(api, uuid)
    for (let number = 0; number < swappedCount; number += 1) {
      const of = (name: string) =>
        entries.filter(({ path }) => path === name || path?.startsWith(`${name}/`)).map(brief)
      expect(of(`dir-${number}`)).toEqual([
        { path: `dir-${number}`, type: 'symlink', target: '/credentials' },
      ])
      expect(of(`file-${number}`)).toEqual([
        { path: `file-${number}`, type: 'symlink', target: '/credentials/secret-key' },
      ])
    }
    const read = await fetch(`${api.url}/job/${uuid}/result?file=dir-0/secret-key`)
    expect(read.status).toBe(404)
    expect((await fetch(`${api.url}/job/${uuid}/result?file=file-0`)).status).toBe(409)
  })

  it('that swaps folders for links during a scan leaks no foreign file', async () => {
    const uuid = await deploy(api, 'swapper.ts', 'exec node "$INPUT_DIRECTORY/swapper.ts" 600', {
      ...asRoot,
      stop_grace_seconds: 30,
    })
    await eventually(
      async () => expect((await curl(`${api.url}/job/${uuid}/log`)).text()).toBe('swapping\n'),
      { within: 60_000 },
    )
    await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })
    expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({
      state: 'canceled',
      result: { state: 'partial' },
    })
    // The checkpoints too: a later scan may have replaced a leaked entry.
    const checkpoints = await checkpointLines(api, uuid)
    expect(checkpoints.length).toBeGreaterThan(3)
    for (const entry of [...checkpoints.flat(), ...(await listOf(api, uuid))]) {
      expect(entry.path).toMatch(/^(dir-\d+(\.link|\.was)?(\/(secret|access)-key)?|file-\d+(\.link|\.was)?)$/)
      if (entry.type === 'symlink') expect(entry.target).toMatch(/^\/credentials(\/secret-key)?$/)
      if (entry.sha256 !== undefined) expect(entry.size, JSON.stringify(entry)).toBe(harmless.length)
    }
    const kinds = new Set(checkpoints.flat().map(({ type }) => type))
    expect([...kinds]).toEqual(expect.arrayContaining(['file', 'symlink', 'directory']))
  })

  // Must be the last test: it checks the objects of all jobs above.
  it('has left no object with a key of the store or a value of its Secret', async () => {
    const { accessKey, secretKey } = testStore()
    const keys = await objectKeys(api.client, api.bucket)
    expect(keys.length).toBeGreaterThan(100)
    for (const key of keys) {
      const bytes = await buffer(await api.client.getObject(api.bucket, key))
      for (const one of [accessKey, secretKey, canary]) expect(bytes.includes(one), key).toBe(false)
    }
  })
})

/**
 * Deploys a worker that runs `script`, with a file of test/support/files
 * as input and the canary as variable.
 */
async function deploy(api: OnCluster, input: string, script: string, more: object): Promise<string> {
  const request = {
    image: given('UPLOADER_IMAGE'),
    image_pull_policy: 'IfNotPresent',
    command: ['sh', '-c', script],
    env: { CANARY: canary },
    ...more,
  }
  const deployed = await curl(
    `${api.url}/job/deploy`,
    ...['-F', `request=${JSON.stringify(request)}`],
    ...['-F', `input=@${join(import.meta.dirname, '../support/files', input)}`],
  )
  expect(deployed.head, deployed.text()).toMatch(/^HTTP\/1.1 201 /m)
  return deployed.json<{ job_uuid: string }>().job_uuid
}

async function listOf(api: OnCluster, uuid: string): Promise<Entry[]> {
  return (await getJson<{ files: Entry[] }>(`${api.url}/job/${uuid}/result/list?limit=10000`)).files
}

/** The entries of each checkpoint of the job. */
async function checkpointLines(api: OnCluster, uuid: string): Promise<Entry[][]> {
  const keys = (await objectKeys(api.client, api.bucket, `jobs/${uuid}/`)).filter((key) =>
    /\/checkpoint\/\d+\.ndjson$/.test(key),
  )
  return Promise.all(
    keys.map(async (key) => {
      const [, ...lines] = (await text(await api.client.getObject(api.bucket, key))).trimEnd().split('\n')
      return lines.map((line) => JSON.parse(line) as Entry).filter((line) => line.type !== undefined)
    }),
  )
}

function brief({ path, type, target }: Entry) {
  return { path, type, target }
}
