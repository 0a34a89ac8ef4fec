import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ResultLayout } from '../../../src/result-format/result-layout.ts'
import { type StoreAccess, temporaryBucket, testStore } from '../../support/store/bucket.ts'
import { eventually } from '../../support/time/eventually.ts'
import type { Row, Run, Topic } from '../measure.ts'
import { startDelayProxy } from '../peers/delay-proxy.ts'
import { createMc } from '../peers/mc.ts'
import { watchProcess } from '../resident.ts'
import { grow, type Tree, trees } from '../trees.ts'

/**
 * The uploader against `mc cp`: the uploader's time from SIGTERM, which the kubelet
 * sends at the worker's end, to its own end with the manifest written. Both read
 * the same files from the page cache.
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
 * Trees with more files than this stay until the bench's end. For over a minute after
 * thousands of files were removed, ext4 searches for an inode without a recent use for
 * each new file (recently_deleted() in fs/ext4/ialloc.c), which takes longer than the rest
 * of a store's work for a small object.
 */
const manyFiles = 1000

async function inBucketThatStays(run: (bucket: string) => Promise<Run>): Promise<Run> {
  return await run((await temporaryBucket()).name)
}

/**
 * Removes a run's bucket before the next run, while the sides take turns at the first run of a
 * round: the store's writes take up to a second more for 1 GiB if no memory was freed just before.
 */
async function inBucket(run: (bucket: string) => Promise<Run>): Promise<Run> {
  await using bucket = await temporaryBucket()
  return await run(bucket.name)
}

export async function upload(...where: Parameters<typeof startUploader>): Promise<Run> {
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

/**
 * Starts the uploader's bundle under its supervisor, with its own files in
 * `folder`; resolves once it is ready.
 */
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

/** Resolves with the PID of the program that a supervisor runs. */
async function programOf(supervisor: number): Promise<number> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    const isChild = new RegExp(`^PPid:\\s+${supervisor}$`, 'm').test(status)
    if (isChild && !/^Name:\s+(sleep|date)$/m.test(status)) return Number(pid)
  }
  throw new Error('the supervisor runs no program')
}
