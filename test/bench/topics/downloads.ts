import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { testStore } from '../../support/store/bucket.ts'
import type { Row, Run, Topic, TopicOptions } from '../measure.ts'
import { createMc, type Mc } from '../peers/mc.ts'
import { firstByte, readAll, readSlowly } from '../readers.ts'
import { type ReadingSetup, setUpReading } from '../reading-setup.ts'
import { peakResidentMiB, watchResident } from '../resident.ts'
import { type SeededJob, seedEntries, seedFiles } from '../seeded-job.ts'
import { numbered } from '../trees.ts'

const mebibyte = 1024 * 1024

/**
 * Downloads of results through the API's bundle, with a cluster's settings, against
 * downloads of the same objects from the store by presigned URLs. The readers are
 * separate programs on the same machine.
 */
export const downloads: Topic = {
  name: 'downloads',
  async *run(options) {
    await using setup = await setUpReading()
    for (const { what, measure } of measurements)
      if (what.includes(options.only)) yield { what, ...(await measure(setup, options)) }
  },
}

type Measured = Omit<Row, 'what'>
const measurements: {
  what: string
  measure(setup: ReadingSetup, options: TopicOptions): Promise<Measured>
}[] = [
  { what: 'download, 1 × 1 GiB, 1 reader', measure: (setup, options) => against(setup, options, 1, 1024) },
  { what: 'download, 64 MiB, 50 readers', measure: (setup, options) => against(setup, options, 50, 64) },
  { what: 'download, 1 GiB, 50 readers of 1 MiB a second', measure: slowly },
  { what: 'tar of 10,000 × 4 KiB, unpacked', measure: (setup, options) => tar(setup, options, 10_000, 4096) },
  {
    what: 'tar of 1,000 × 1 MiB, unpacked',
    measure: (setup, options) => tar(setup, options, 1000, mebibyte),
  },
  {
    what: 'first byte of a tar of 100,000 files',
    measure: (setup, options) => tarsBegin(setup, options, 100_000),
  },
  {
    what: 'first byte of a tar of 1,000,000 files',
    measure: (setup, options) => tarsBegin(setup, options, 1e6),
  },
]

async function against(
  setup: ReadingSetup,
  { rounds }: TopicOptions,
  readers: number,
  size: number,
): Promise<Measured> {
  const name = `${size} MiB.bin`
  const job = await seedFiles(setup.store, [[name, size * mebibyte]])
  const ours: Run[] = []
  const theirs: Run[] = []
  const api = await setup.startApi()
  const own = Array.from({ length: readers }, () => address(api.url, job, name))
  const direct = Array.from({ length: readers }, () => presigned(setup, job, name))
  const urls = await Promise.all(direct)
  await readAll(own.slice(0, 1))
  for (let round = 0; round < rounds; round++) {
    theirs.push({ value: await readAll(urls) })
    ours.push({ value: await readAll(own), residentMiB: await peakResidentMiB(api.pid) })
  }
  await api.end()
  return { unit: 's', ours, peer: { name: 'the store', runs: theirs }, goal: { ratio: 2 } }
}

async function slowly(setup: ReadingSetup): Promise<Measured> {
  const name = 'large.bin'
  const job = await seedFiles(setup.store, [[name, 1024 * mebibyte]])
  const api = await setup.startApi()
  const resident = watchResident(() => api.pid)
  await readSlowly(
    Array.from({ length: 50 }, () => address(api.url, job, name)),
    15,
  )
  const highest = (await resident()) ?? Number.NaN
  await api.end()
  return { unit: 'MiB', ours: [{ value: highest }], goal: { most: 150 } }
}

async function tar(
  setup: ReadingSetup,
  { rounds }: TopicOptions,
  count: number,
  size: number,
): Promise<Measured> {
  const job = await seedFiles(setup.store, numbered(count, size))
  const api = await setup.startApi()
  const mc = await createMc(testStore())
  const ours: Run[] = []
  const theirs: Run[] = []
  for (let round = 0; round < rounds; round++) {
    theirs.push(await byMc(mc, `${setup.bucket}/${jobKeys.file(job.uuid, job.attempt, 'files')}`))
    ours.push({ value: await unpacked(address(api.url, job)), residentMiB: await peakResidentMiB(api.pid) })
  }
  await api.end()
  return { unit: 's', ours, peer: { name: 'mc cp', runs: theirs }, goal: { ratio: 1 } }
}

async function tarsBegin(setup: ReadingSetup, { rounds }: TopicOptions, entries: number): Promise<Measured> {
  const job = await seedEntries(setup.store, entries)
  const ours: Run[] = []
  for (let round = 0; round < rounds; round++) {
    // A new API for each run, which knows neither the job nor the manifest's index.
    const api = await setup.startApi()
    ours.push({ value: await firstByte(address(api.url, job)), residentMiB: await peakResidentMiB(api.pid) })
    await api.end()
  }
  return { unit: 'ms', ours, goal: { most: 100 } }
}

function address(url: string, { uuid }: SeededJob, file?: string): string {
  return `${url}/job/${uuid}/result${file === undefined ? '' : `?file=${encodeURIComponent(file)}`}`
}

async function presigned(
  { store }: ReadingSetup,
  { uuid, attempt }: SeededJob,
  file: string,
): Promise<string> {
  const url = await store.presign?.(jobKeys.file(uuid, attempt, file), {
    method: 'GET',
    expiresSeconds: 3600,
    contentType: 'application/octet-stream',
    contentDisposition: 'attachment',
  })
  if (url === undefined) throw new Error('the store has no public endpoint')
  return url
}

async function byMc(mc: Mc, source: string): Promise<Run> {
  return await inFolder((folder) => mc.download(source, folder))
}

async function unpacked(url: string): Promise<number> {
  return await inFolder(async (folder) => {
    const start = performance.now()
    const script =
      'set -o pipefail; curl --silent --show-error --fail "$0" | tar --extract --file - --directory "$1"'
    const child = spawn('bash', ['-c', script, url, folder], { stdio: ['ignore', 'ignore', 'inherit'] })
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0) throw new Error(`curl | tar ended with ${code}`)
    return (performance.now() - start) / 1000
  })
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'jobferry-bench-'))
  try {
    await mkdir(folder, { recursive: true })
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
