import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Entry } from '../../src/result-format/entry.ts'
import { curl } from '../support/api/curl.ts'
import { waitForFinal } from '../support/api/http.ts'
import { type OnCluster, startOnCluster } from '../support/api/on-cluster.ts'
import { given } from '../support/cluster/test-run.ts'
import { contentOf, type Planned, planTree } from '../support/files/random-tree.ts'
import { differences, type Facts, folderFacts, listedFacts, mtimeText } from '../support/files/tree-facts.ts'
import { run } from '../support/run.ts'
import { objectKeys } from '../support/store/bucket.ts'

/*
 * A worker makes 2,000 random files in oddly named folders. The results are compared with the
 * output of the same generator in this process, without any of the project's own code.
 */

const seed = 'bytes-1'
const tree = planTree(seed)
const expected = new Map(tree.map((one) => [one.path, factsOf(one)]))
const files = tree.filter((one) => one.type === 'file')
const bytes = files.reduce((sum, { size }) => sum + size, 0)

let api: OnCluster
let uuid: string
beforeAll(async () => {
  api = await startOnCluster({ name: 'bytes' })
  const request = {
    image: given('UPLOADER_IMAGE'),
    image_pull_policy: 'IfNotPresent',
    command: ['sh', '-c', `node "$INPUT_DIRECTORY/random-tree.ts" ${seed} "$RESULT_DIRECTORY"`],
    run_as_user: 0,
    // A test below compares the keys of all objects: no pack (packed.test.ts), and no earlier
    // version of a file that was uploaded before the worker set its times (while-running.test.ts).
    result_layout: 'files',
    upload_while_running: false,
  }
  const support = join(import.meta.dirname, '../support/files')
  const deployed = await curl(
    `${api.url}/job/deploy`,
    ...['-F', `request=${JSON.stringify(request)}`],
    ...['random-tree.ts', 'odd-names.ts'].flatMap((name) => ['-F', `input=@${join(support, name)}`]),
  )
  uuid = deployed.json<{ job_uuid: string }>().job_uuid
  const job = await waitForFinal(api.url, uuid, 120)
  const log = await curl(`${api.url}/job/${uuid}/log`)
  expect(job, `${JSON.stringify(job)}\n${log.text()}`).toMatchObject({
    state: 'succeeded',
    result: { state: 'complete', count: tree.length, bytes },
  })
}, 400_000)
afterAll(() => api?.close())

it('the random tree has the intended count and sizes', () => {
  expect(files).toHaveLength(2000)
  expect(bytes).toBeGreaterThan(250 * 2 ** 20)
  expect(bytes).toBeLessThan(2 ** 31)
  expect(Math.max(...files.map(({ size }) => size))).toBe(64 * 2 ** 20)
})

describe('2,000 random files', () => {
  it('are in the result list with every fact, ordered by their paths’ bytes', async () => {
    const listed = await listPages(`${api.url}/job/${uuid}/result/list?limit=700`)
    expect(differences(listedFacts(listed), expected)).toEqual([])
    expect(listed.map(pathOf)).toEqual([...expected.keys()].sort())

    const list = `${api.url}/job/${uuid}/result/list`
    const ndjson = await curl(list, '-H', 'accept: application/x-ndjson')
    expect(ndjsonOf(ndjson.text())).toEqual(listed)
  })

  it('are listed by any prefix', async () => {
    const folder = tree.findLast(({ type, path }) => type === 'file' && /\/.*[\x80-\xff].*\//s.test(path))
    for (const prefix of [
      'a',
      'a/',
      'odd/%',
      'odd/\xff/',
      'deep/',
      `${folder?.path.replace(/[^/]*$/, '')}`,
    ]) {
      const listed = await listPages(`${api.url}/job/${uuid}/result/list?prefix=${escaped(prefix)}`)
      const wanted = [...expected.keys()].filter((path) => path.startsWith(prefix)).sort()
      expect(wanted.length, prefix).toBeGreaterThan(0)
      expect(listed.map(pathOf), prefix).toEqual(wanted)
    }
  })

  it('are the only objects in the store, under the keys that the manifest names', async () => {
    const [manifest = ''] = (await keys()).filter((key) => key.endsWith('/manifest.ndjson'))
    const [, ...lines] = ndjsonOf(await text(await api.client.getObject(api.bucket, manifest)))
    const entries = lines.slice(0, tree.length) as unknown as Entry[]
    expect(differences(listedFacts(entries), expected)).toEqual([])
    const folder = manifest.replace('manifest.ndjson', 'files/')
    const stored = entries.filter(({ type }) => type === 'file')
    await inParallel(stored, async (entry) => {
      const object = await api.client.getObject(api.bucket, `${folder}${entry.key}`)
      expect(await sha256(object), JSON.stringify(entry)).toBe(expected.get(pathOf(entry))?.sha256)
    })
    const used = stored.map(({ key }) => `${folder}${key}`).sort()
    expect((await keys(folder)).sort()).toEqual(used)
  })

  it('can be downloaded one by one', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 8 })
    await inParallel(files, async (file) => {
      const answer = await fetchFile(agent, file.path)
      const { sha256: digest } = expected.get(file.path) ?? {}
      expect(answer.statusCode, file.path).toBe(200)
      expect(answer.headers, file.path).toMatchObject({
        'content-length': String(file.size),
        etag: `"${digest}"`,
        'jobferry-result-state': 'complete',
      })
      expect(answer.headers['last-modified'], file.path).toBe(lastModified(file))
      expect(await sha256(answer), file.path).toBe(digest)
    })
    for (const { type, path } of tree.filter((one) => one.type !== 'file')) {
      const answer = await fetchFile(agent, path)
      expect([answer.statusCode, type, path]).toEqual([409, type, path])
      answer.resume()
    }
    agent.destroy()
  })

  it('can be downloaded as a tar that GNU tar unpacks to the same tree', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'jobferry-bytes-'))
    try {
      const url = `${api.url}/job/${uuid}/result`
      await run('bash', ['-c', `set -o pipefail; curl -sSf ${url} | tar -xp -C ${folder}`])
      const withoutSkipped = new Map([...expected].filter(([, { type }]) => type !== 'skipped'))
      expect(differences(await folderFacts(folder), withoutSkipped)).toEqual([])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

/** The expected facts of a planned path. */
function factsOf(one: Planned): Facts {
  const common = { mode: one.mode.toString(8).padStart(4, '0'), mtime: mtimeText(one.mtimeNs) }
  if (one.type === 'symlink') return { type: 'symlink', ...common, target: one.target }
  if (one.type === 'fifo') return { type: 'skipped', ...common }
  if (one.type === 'directory') return { type: 'directory', ...common }
  const hash = createHash('sha256')
  for (const piece of contentOf(one)) hash.update(piece)
  return { type: 'file', ...common, size: one.size, sha256: hash.digest('hex') }
}

/** Reads all entries of a result list, page by page. */
async function listPages(first: string): Promise<Entry[]> {
  const entries: Entry[] = []
  for (let url: string | null = first; url !== null; ) {
    const page: { files: Entry[]; next: string | null } = (await curl(url)).json()
    entries.push(...page.files)
    url = page.next === null ? null : `${api.url}${page.next}`
  }
  return entries
}

function ndjsonOf(lines: string): Entry[] {
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry)
}

function pathOf(entry: Entry): string {
  const { path, path_base64: base64 = '' } = entry
  return (path === undefined ? Buffer.from(base64, 'base64') : Buffer.from(path)).toString('latin1')
}

function keys(prefix = `jobs/${uuid}/`): Promise<string[]> {
  return objectKeys(api.client, api.bucket, prefix)
}

function fetchFile(agent: Agent, path: string): Promise<IncomingMessage> {
  const url = `${api.url}/job/${uuid}/result?file=${escaped(path)}`
  return new Promise((resolve, reject) => get(url, { agent }, resolve).on('error', reject))
}

/**
 * The expected Last-Modified in whole seconds; undefined for a future time, which RFC 9110 forbids.
 */
function lastModified({ mtimeNs }: Planned): string | undefined {
  const date = new Date(`${mtimeText(mtimeNs).slice(0, 19)}Z`)
  return date.getTime() > Date.now() ? undefined : date.toUTCString()
}

function escaped(path: string): string {
  return path.replace(/[^A-Za-z0-9]/g, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

async function sha256(stream: Readable): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of stream) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  const worker = async () => {
    for (const item of left) await work(item)
  }
  await Promise.all(Array.from({ length: 8 }, worker))
}
