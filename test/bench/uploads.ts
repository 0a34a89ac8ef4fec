import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ResultLayout } from '../../src/artifact/result-layout.ts'
import { type StoreAccess, temporaryBucket, testStore } from '../support/bucket.ts'
import { eventually } from '../support/eventually.ts'
import { startDelayProxy } from './delay-proxy.ts'
import { createMc } from './mc.ts'
import type { Row, Run, Topic } from './measure.ts'
import { watchProcess } from './resident.ts'
import { grow, type Tree, trees } from './trees.ts'

/**
 * The upload engine against `mc cp`: the uploader from SIGTERM, which the kubelet sends when the worker has ended,
 * to its end with the manifest written. Both read the same files, which are in the page cache.
 */
export const uploads: Topic = {
  name: 'uploads',
  async *run({ rounds, only }) {
    for (const tree of trees) {
      for (const roundTripMs of [0, 20]) {
        const what = roundTripMs === 0 ? tree.what : `${tree.what}, ${roundTripMs} ms of added round trip`
        if (what.includes(only)) yield compare({ ...tree, what }, rounds, roundTripMs)
      }
    }
  },
}

async function compare(tree: Tree, rounds: number, roundTripMs: number): Promise<Row> {
  const direct = testStore()
  await using proxy = roundTripMs === 0 ? undefined : await startDelayProxy(direct.endpoint, roundTripMs)
  const store = { ...direct, endpoint: proxy?.url ?? direct.endpoint }
  const folder = await mkdtemp(join(tmpdir(), 'jobferry-bench-'))
  const result = join(folder, 'result')
  try {
    await mkdir(result)
    await grow(tree, result)
    const mc = await createMc(store)
    const ours: Run[] = []
    const theirs: Run[] = []
    const into = tree.files.length > manyFiles ? inBucketThatStays : inBucket
    const sides = [
      async () => theirs.push(await into((name) => mc.upload(result, `${name}/mc`))),
      async () => ours.push(await into((name) => upload(folder, result, store, name, tree.layout))),
    ]
    for (let round = 0; round < rounds; round++) {
      for (const run of round % 2 === 0 ? sides : sides.toReversed()) await run()
    }
    const peer = { name: 'mc cp', runs: theirs }
    const goal = {
      residentMiB: 128,
      ...(tree.goal !== undefined && roundTripMs === 0 && { ratio: tree.goal }),
    }
    return { what: `upload, ${tree.what}`, unit: 's', ours, peer, goal }
  } finally {
    if (tree.files.length <= manyFiles) await rm(folder, { recursive: true, force: true })
  }
}

/**
 * For a minute and more after thousands of files were removed, ext4 looks for inodes that were not in use lately with each
 * one that it makes (recently_deleted() in fs/ext4/ialloc.c), which takes longer than all else that a store does for
 * a small object. So these stay until the bench's end, when everything goes.
 */
const manyFiles = 1000

async function inBucketThatStays(run: (bucket: string) => Promise<Run>): Promise<Run> {
  return await run((await temporaryBucket()).name)
}

/**
 * What a run leaves is gone before the next, and the sides take turns at coming first: the store's writes take up to a
 * second more for 1 GiB where they find no memory that was in use just before.
 */
async function inBucket(run: (bucket: string) => Promise<Run>): Promise<Run> {
  await using bucket = await temporaryBucket()
  return await run(bucket.name)
}

async function upload(...where: Parameters<typeof startUploader>): Promise<Run> {
  const { supervisor, program } = await startUploader(...where)
  const exited = once(supervisor, 'exit')
  const watched = watchProcess(() => program)
  const start = performance.now()
  supervisor.kill('SIGTERM')
  const [code] = (await exited) as [number | null]
  const seconds = (performance.now() - start) / 1000
  if (code !== 0) throw new Error(`the uploader ended with ${code}`)
  return { value: seconds, ...(await watched()) }
}

/** The uploader's bundle under its supervisor, once it is ready; `folder` is for its own files. */
export async function startUploader(
  folder: string,
  result: string,
  store: StoreAccess,
  bucket: string,
  layout: ResultLayout = 'files',
): Promise<{ supervisor: ChildProcess; program: number; readySeconds: number }> {
  const state = await mkdtemp(join(folder, 'state-'))
  const credentials = join(folder, 'credentials')
  await mkdir(credentials, { recursive: true })
  await writeFile(join(credentials, 'access-key'), store.accessKey)
  await writeFile(join(credentials, 'secret-key'), store.secretKey)
  const start = performance.now()
  const supervisor = spawn('/bin/sh', ['dist/supervise.sh', process.execPath, 'dist/uploader.js'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      JOB_UUID: randomUUID(),
      ATTEMPT_UID: randomUUID(),
      RESULT_DIRECTORY: result,
      STATE_DIRECTORY: state,
      UPLOAD_TIMEOUT_SECONDS: '3600',
      RESULT_LAYOUT: layout,
      TERMINATION_MESSAGE_FILE: join(state, 'message'),
      S3_ENDPOINT: store.endpoint,
      S3_BUCKET: bucket,
      CREDENTIALS_DIRECTORY: credentials,
    },
  })
  await eventually(() => readFile(join(state, 'ready')), { every: 20 })
  const readySeconds = (performance.now() - start) / 1000
  return { supervisor, program: await programOf(supervisor.pid ?? 0), readySeconds }
}

/** The program that a supervisor runs. */
async function programOf(supervisor: number): Promise<number> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    const isChild = new RegExp(`^PPid:\\s+${supervisor}$`, 'm').test(status)
    if (isChild && !/^Name:\s+(sleep|date)$/m.test(status)) return Number(pid)
  }
  throw new Error('the supervisor runs no program')
}
