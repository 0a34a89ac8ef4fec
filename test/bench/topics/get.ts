import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { testStore } from '../../support/store/bucket.ts'
import type { Row, Run, Topic, TopicOptions } from '../measure.ts'
import { createMc } from '../peers/mc.ts'
import { type ReadingSetup, setUpReading } from '../reading-setup.ts'
import { watchProcess } from '../resident.ts'
import { seedFiles } from '../seeded-job.ts'
import { numbered } from '../trees.ts'

const mebibyte = 1024 * 1024

/**
 * `jobferry get` of results through the API, each file compared with its SHA-256, against `mc cp` of the same
 * objects from the store.
 */
export const get: Topic = {
  name: 'get',
  async *run(options) {
    await using setup = await setUpReading()
    for (const { what, count, bytes } of measurements) {
      if (what.includes(options.only)) yield { what, ...(await against(setup, options, count, bytes)) }
    }
  },
}

const measurements = [
  { what: 'get of 1,000 × 4 KiB', count: 1000, bytes: 4096 },
  { what: 'get of 10,000 × 4 KiB', count: 10_000, bytes: 4096 },
  { what: 'get of 1 × 256 MiB', count: 1, bytes: 256 * mebibyte },
  { what: 'get of 1 × 4 GiB', count: 1, bytes: 4096 * mebibyte },
]

async function against(
  setup: ReadingSetup,
  { rounds }: TopicOptions,
  count: number,
  bytes: number,
): Promise<Omit<Row, 'what'>> {
  const job = await seedFiles(setup.store, numbered(count, bytes))
  const api = await setup.startApi()
  const mc = await createMc(testStore())
  const ours: Run[] = []
  const theirs: Run[] = []
  for (let round = 0; round < rounds; round++) {
    const source = `${setup.bucket}/${jobKeys.file(job.uuid, job.attempt, 'files')}`
    theirs.push(await inFolder((folder) => mc.download(source, folder)))
    ours.push(await inFolder((folder) => byCommand(api.url, job.uuid, folder)))
  }
  await api.end()
  return { unit: 's', ours, peer: { name: 'mc cp', runs: theirs }, goal: { ratio: 1.2 } }
}

async function byCommand(server: string, uuid: string, folder: string): Promise<Run> {
  const start = performance.now()
  const args = ['dist/cli.js', 'get', uuid, '-q', '--server', server, '-o', folder]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const watched = watchProcess(() => child.pid)
  const [code] = (await once(child, 'exit')) as [number | null]
  const seconds = (performance.now() - start) / 1000
  if (code !== 0) throw new Error(`jobferry get ended with ${code}`)
  return { value: seconds, ...(await watched()) }
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'jobferry-bench-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
