import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Entry } from '../../src/artifact/entry.ts'
import { objectKeys, testStore } from '../support/bucket.ts'
import { curl } from '../support/curl.ts'
import { eventually } from '../support/eventually.ts'
import { getJson, waitForFinal } from '../support/http.ts'
import { type OnCluster, startOnCluster } from '../support/on-cluster.ts'
import { type ProbeReport, plantedLinks, uploaderRequests } from '../support/prober.ts'
import { harmless, swappedCount } from '../support/swapper.ts'
import { given } from '../support/test-run.ts'

/*
 * What a hostile worker gets at: nothing. Workers are root where that is allowed, in an image that has tools.
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
      // Nothing that it asked the uploader for was taken for a stop.
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

    it('has no token, and the API server has nothing for it', () => {
      expect(report.secrets).toEqual([])
      for (const [path, status] of Object.entries(report.apiServer))
        expect([401, 403], path).toContain(status)
    })

    it('sees no process but its own', () => {
      expect(report.commands).not.toEqual([])
      for (const command of report.commands) expect(command).toMatch(/prober\.ts/)
    })

    it('gets nothing from the uploader’s port but whether it is ready', () => {
      for (const line of uploaderRequests) {
        const expected =
          { 'GET /ready': '200 ready', 'HEAD /ready': '404' }[line as string] ?? '404 not found'
        expect([line, report.uploader[line]]).toEqual([line, expected])
      }
    })

    it('leaves links as links, and devices as names that are skipped', () => {
      const links = entries.filter(({ type }) => type === 'symlink')
      expect(Object.fromEntries(links.map(({ path, target }) => [path, target]))).toEqual(plantedLinks)
      const others = entries.filter(({ type }) => type !== 'symlink')
      expect(others.map(({ path, type }) => [path, type])).toEqual(
        [...report.devices.map((name) => [name, 'skipped']), ['report.json', 'file']].sort(),
      )
      if (podSecurity === 'baseline') expect(report.devices).not.toEqual([])
    })
  })

  it('that swaps folders for links until it ends leaves links and nothing else', async () => {
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

  it('that swaps folders for links while they are read gives nothing but its own away', async () => {
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
    // Not the result alone: what one scan gave away a later one may have replaced.
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

  // Last: of all the jobs above.
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

/** A job whose worker runs `script`, with a file of test/support as input and the canary in its environment. */
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
    ...['-F', `input=@${join(import.meta.dirname, '../support', input)}`],
  )
  expect(deployed.head, deployed.text()).toMatch(/^HTTP\/1.1 201 /m)
  return deployed.json<{ job_uuid: string }>().job_uuid
}

async function listOf(api: OnCluster, uuid: string): Promise<Entry[]> {
  return (await getJson<{ files: Entry[] }>(`${api.url}/job/${uuid}/result/list?limit=10000`)).files
}

/** What each checkpoint of a job says that there was. */
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
