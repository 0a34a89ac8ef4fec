import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoreAccess } from '../support/bucket.ts'
import { eventually } from '../support/eventually.ts'
import { createMc } from './mc.ts'
import type { Comparison, Run } from './measure.ts'
import { watchResident } from './resident.ts'
import { grow, type Tree } from './trees.ts'

/**
 * The upload engine against `mc cp`: the uploader from SIGTERM, which the kubelet sends when the worker has ended,
 * to its end with the manifest written. Both read the same files, which are in the page cache.
 */
export async function compareUploads(
  tree: Tree,
  rounds: number,
  store: StoreAccess,
  bucket: string,
): Promise<Comparison> {
  const folder = await mkdtemp(join(tmpdir(), 'jobferry-bench-'))
  const result = join(folder, 'result')
  try {
    await mkdir(result)
    await grow(tree, result)
    const mc = await createMc(store)
    const comparison: Comparison = {
      what: `upload, ${tree.what}`,
      ours: [],
      peer: { name: 'mc cp', runs: [] },
      ...(tree.goal !== undefined && { goal: tree.goal }),
    }
    for (let round = 0; round < rounds; round++) {
      comparison.peer.runs.push(await mc.upload(result, `${bucket}/mc/${round}`))
      comparison.ours.push(await upload(folder, result, store, bucket))
    }
    return comparison
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function upload(folder: string, result: string, store: StoreAccess, bucket: string): Promise<Run> {
  const state = await mkdtemp(join(folder, 'state-'))
  const credentials = join(folder, 'credentials')
  await mkdir(credentials, { recursive: true })
  await writeFile(join(credentials, 'access-key'), store.accessKey)
  await writeFile(join(credentials, 'secret-key'), store.secretKey)
  const supervisor = spawn('/bin/sh', ['dist/supervise.sh', process.execPath, 'dist/uploader.js'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      JOB_UUID: randomUUID(),
      ATTEMPT_UID: randomUUID(),
      RESULT_DIRECTORY: result,
      STATE_DIRECTORY: state,
      UPLOAD_TIMEOUT_SECONDS: '3600',
      TERMINATION_MESSAGE_FILE: join(state, 'message'),
      S3_ENDPOINT: store.endpoint,
      S3_BUCKET: bucket,
      CREDENTIALS_DIRECTORY: credentials,
    },
  })
  const exited = once(supervisor, 'exit')
  await eventually(() => readFile(join(state, 'ready')), { every: 20 })
  const program = await programOf(supervisor.pid ?? 0)
  const resident = watchResident(() => program)
  const start = performance.now()
  supervisor.kill('SIGTERM')
  const [code] = (await exited) as [number | null]
  const seconds = (performance.now() - start) / 1000
  if (code !== 0) throw new Error(`the uploader ended with ${code}`)
  return { seconds, residentMiB: await resident() }
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
