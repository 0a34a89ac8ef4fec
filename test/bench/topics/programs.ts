import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { residentBytes } from '../../support/process-facts.ts'
import { run } from '../../support/run.ts'
import { temporaryBucket, testStore } from '../../support/store/bucket.ts'
import type { Row, Run, Topic } from '../measure.ts'
import { setUpReading } from '../reading-setup.ts'
import { startUploader } from './uploads.ts'

/**
 * The fixed costs of the two programs: their image's size, time to readiness, and memory when idle.
 */
export const programs: Topic = {
  name: 'programs',
  async *run({ rounds, only }) {
    const rows = async function* (): AsyncGenerator<Row> {
      yield* image()
      yield* program('the API, on a cluster', await each(rounds, api))
      yield* program('the uploader', await each(rounds, uploader))
    }
    for await (const row of rows()) if (row.what.includes(only)) yield row
  },
}

/** Milliseconds that a program is idle before its memory is read. */
const idleMs = 5000

interface Facts {
  ready: Run
  idle: Run
}

function* program(what: string, facts: readonly Facts[]): Generator<Row> {
  yield { what: `${what}: start to ready`, unit: 's', ours: facts.map(({ ready }) => ready) }
  yield { what: `${what}: resident when idle`, unit: 'MiB', ours: facts.map(({ idle }) => idle) }
}

async function each(rounds: number, measure: () => Promise<Facts>): Promise<Facts[]> {
  const facts: Facts[] = []
  for (let round = 0; round < rounds; round++) facts.push(await measure())
  return facts
}

async function api(): Promise<Facts> {
  await using setup = await setUpReading()
  const { pid, readySeconds } = await setup.startApi()
  return { ready: { value: readySeconds }, idle: await idle(pid) }
}

async function uploader(): Promise<Facts> {
  await using bucket = await temporaryBucket()
  const folder = await mkdtemp(join(tmpdir(), 'jobferry-bench-'))
  try {
    const result = join(folder, 'result')
    await mkdir(result)
    const { supervisor, program, readySeconds } = await startUploader(
      folder,
      result,
      testStore(),
      bucket.name,
    )
    const exited = once(supervisor, 'exit')
    const memory = await idle(program)
    supervisor.kill('SIGTERM')
    await exited
    return { ready: { value: readySeconds }, idle: memory }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function idle(pid: number): Promise<Run> {
  await sleep(idleMs)
  return { value: (await residentBytes(pid)) / 2 ** 20 }
}

/**
 * The image's compressed size, as it is pulled; no row outside
 * test/cluster, whose containerd knows it.
 */
async function* image(): AsyncGenerator<Row> {
  const { CONTAINERD_ADDRESS: address, UPLOADER_IMAGE: name } = process.env
  if (!address || !name) return
  const list = await run('ctr', [
    '--address',
    address,
    '--namespace',
    'k8s.io',
    'images',
    'ls',
    `name==${name}`,
  ])
  const size = /\s([\d.]+) MiB\s/.exec(list)?.[1]
  if (size !== undefined)
    yield { what: 'the image of both, as pulled', unit: 'MiB', ours: [{ value: Number(size) }] }
}
