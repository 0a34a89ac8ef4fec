import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ArtifactStore } from '../../store/store.ts'
import { chunkLength, flatten, lineBatches } from '../../util/lines.ts'
import { defined } from '../../util/objects.ts'
import type { Entry } from '../entry.ts'
import type { CheckpointHead, CheckpointLine } from '../manifest/manifest.ts'
import { DamagedCheckpoint, parseCheckpoint } from './checkpoint-format.ts'
import { listCheckpoints } from './checkpoint-reader.ts'
import { mergeSorted } from './merge-sorted.ts'

export interface MergeOptions {
  signal?: AbortSignal
  /** The checkpoints' keys, oldest first; default: all that a listing of the store finds. */
  keys?: readonly string[]
  /** Merged entries of the checkpoints before `keys`, sorted. */
  base?: AsyncIterable<Entry>
  /**
   * Folder for temporary files (about as large as the checkpoints); default: the system's folder.
   */
  directory?: string
  /** Called for the damaged checkpoint at which the merge stops. */
  onDamaged?: (error: DamagedCheckpoint) => void
}

/** The merged checkpoints of an attempt. Disposal removes their temporary files. */
export interface MergedCheckpoints extends AsyncDisposable {
  /** Head of the newest checkpoint. */
  head: CheckpointHead
  /** Sorted by the paths' bytes; may be iterated more than once. */
  entries(): AsyncIterable<Entry>
}

const batchLength = 256
/** Maximum of files open at once; a larger number of runs is merged in rounds. */
const maxRuns = 16

/**
 * Merges an attempt's checkpoints in constant memory; undefined if there are none. A damaged
 * checkpoint and all later ones are left out: the earlier ones add up to a state that the directory
 * had, but later changes without the damaged ones would not. Rejects with StoreError.
 */
export async function mergeCheckpoints(
  store: ArtifactStore,
  uuid: string,
  attempt: string,
  options: MergeOptions = {},
): Promise<MergedCheckpoints | undefined> {
  const keys = options.keys ?? (await listCheckpoints(store, uuid, attempt, options))
  if (keys.length === 0) return undefined
  const directory = await mkdtemp(join(options.directory ?? tmpdir(), 'jobferry-merge-'))
  const remove = () => rm(directory, { recursive: true, force: true })
  try {
    const runs = new Runs(directory)
    if (options.base !== undefined) await runs.add(batchesOf(options.base))
    const head = await fetchAll(store, keys, runs, options)
    if (head === undefined) {
      await remove()
      return undefined
    }
    return { head, entries: () => flatten(entryBatches(runs.merged())), [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function fetchAll(
  store: ArtifactStore,
  keys: readonly string[],
  runs: Runs,
  options: MergeOptions,
): Promise<CheckpointHead | undefined> {
  let newest: CheckpointHead | undefined
  for (const key of keys) {
    const body = await store.get(key, defined({ signal: options.signal }))
    try {
      const { head, batches } = await parseCheckpoint(key, body.stream)
      await runs.add(batches)
      newest = head
    } catch (error) {
      if (!(error instanceof DamagedCheckpoint)) throw error
      options.onDamaged?.(error)
      break
    } finally {
      body.stream.destroy()
    }
  }
  return newest
}

/**
 * Sorted temporary files, oldest first; sixteen files of one level are merged into one of the next.
 */
class Runs {
  readonly #directory: string
  readonly #files: { path: string; level: number }[] = []
  #made = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  async add(batches: AsyncIterable<CheckpointLine[]>): Promise<void> {
    this.#files.push({ path: await this.#write(batches), level: 0 })
    while (this.#newestAlike() >= maxRuns) await this.#mergeNewest(maxRuns)
    while (this.#files.length > maxRuns) await this.#mergeNewest(this.#newestAlike() + 1)
  }

  merged(): AsyncGenerator<CheckpointLine[], void> {
    return mergeSorted(this.#files.map((file) => readRun(file.path)))
  }

  #newestAlike(): number {
    const level = this.#files.at(-1)?.level
    return this.#files.length - 1 - this.#files.findLastIndex((file) => file.level !== level)
  }

  async #mergeNewest(count: number): Promise<void> {
    const newest = this.#files.splice(-count)
    const path = await this.#write(mergeSorted(newest.map((file) => readRun(file.path))))
    this.#files.push({ path, level: 1 + Math.max(...newest.map((file) => file.level)) })
    for (const file of newest) await rm(file.path)
  }

  async #write(batches: AsyncIterable<CheckpointLine[]>): Promise<string> {
    this.#made += 1
    const path = join(this.#directory, `${this.#made}.ndjson`)
    await pipeline(encodeBatches(batches), createWriteStream(path, { highWaterMark: chunkLength }))
    return path
  }
}

async function* readRun(path: string): AsyncGenerator<CheckpointLine[], void> {
  for await (const lines of lineBatches(createReadStream(path, { highWaterMark: chunkLength }))) {
    yield lines.map((line): CheckpointLine => JSON.parse(line))
  }
}

async function* encodeBatches(batches: AsyncIterable<CheckpointLine[]>): AsyncGenerator<string, void> {
  for await (const batch of batches) yield batch.map((line) => `${JSON.stringify(line)}\n`).join('')
}

async function* batchesOf(entries: AsyncIterable<Entry>): AsyncGenerator<Entry[], void> {
  let batch: Entry[] = []
  for await (const entry of entries) {
    batch.push(entry)
    if (batch.length < batchLength) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

async function* entryBatches(batches: AsyncIterable<CheckpointLine[]>): AsyncGenerator<Entry[], void> {
  for await (const batch of batches) yield batch.filter(isEntry)
}

function isEntry(line: CheckpointLine): line is Entry {
  return !('removed' in line)
}
