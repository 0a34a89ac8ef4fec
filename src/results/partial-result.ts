import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import {
  listCheckpoints,
  type MergedCheckpoints,
  mergeCheckpoints,
} from '../result-format/checkpoint/checkpoint.ts'
import type { Entry } from '../result-format/entry.ts'
import { jobKeys } from '../result-format/job-keys.ts'
import type { ManifestHead } from '../result-format/manifest/manifest.ts'
import { type Manifest, openManifest } from '../result-format/manifest/manifest-reader.ts'
import { writeManifest } from '../result-format/manifest/manifest-writer.ts'
import { addToTally, emptyTally } from '../result-format/tally.ts'
import { createFolderStore } from '../store/folder/folder.ts'
import { putStream } from '../store/put-stream.ts'
import type { ArtifactStore } from '../store/store.ts'
import type { Log } from '../util/log.ts'
import { defined } from '../util/objects.ts'

/**
 * The stored files of running attempts, as manifests in temporary files: memory use is constant.
 */
export interface PartialResults {
  /**
   * Resolves with the result of `use` for a manifest made of an attempt's checkpoints. Rejects with
   * StoreError. To read the manifest after that, call hold() within 10 s.
   */
  withManifest<T>(job: string, attempt: string, use: (manifest: Manifest) => Promise<T>): Promise<T>
  /**
   * Passes on the items of `source`, which reads the manifest, and keeps its file until the end.
   */
  hold<T>(manifest: Manifest, source: AsyncIterable<T>): AsyncIterable<T>
}

/** Maximum of manifests kept for the next reader. */
const kept = 16
/** Maximum time between withManifest() and hold(). */
const graceMs = 10_000

/** `shutdown` removes the temporary files. */
export function createPartialResults(store: ArtifactStore, log: Log, shutdown?: AbortSignal): PartialResults {
  const built = new LRUCache<string, BuiltManifest>({ max: kept, dispose: (old) => old.discard() })
  const building = new Map<string, Promise<BuiltManifest>>()
  let folder: Promise<string> | undefined
  shutdown?.addEventListener('abort', () => {
    void folder?.then((path) => rmSync(path, { recursive: true, force: true }))
  })

  async function newest(job: string, attempt: string): Promise<BuiltManifest> {
    const keys = await listCheckpoints(store, job, attempt)
    const id = jobKeys.attempt(job, attempt)
    const last = built.get(id)
    if (last !== undefined && last.checkpoint === keys.at(-1)) return last
    const under = `${id} ${keys.at(-1)}`
    folder ??= mkdtemp(join(tmpdir(), 'jobferry-so-far-'))
    const into = await folder
    const made = building.get(under) ?? build({ store, job, attempt, keys, folder: into, log }, last)
    building.set(under, made)
    try {
      const fresh = await made
      if (built.get(id) !== fresh) built.set(id, fresh)
      return fresh
    } finally {
      building.delete(under)
    }
  }

  const holders = new WeakMap<Manifest, BuiltManifest>()
  return {
    async withManifest(job, attempt, use) {
      const found = await newest(job, attempt)
      holders.set(found.manifest, found)
      using _held = found.hold()
      return await use(found.manifest)
    },
    async *hold(manifest, source) {
      using _held = holders.get(manifest)?.hold()
      yield* source
    },
  }
}

/**
 * A manifest in its own directory, which is removed once the manifest is discarded and not read.
 */
class BuiltManifest {
  readonly manifest: Manifest
  /** Key of the newest checkpoint in it. */
  readonly checkpoint: string | undefined
  readonly directory: string
  #readers = 0
  #discarded = false

  constructor(manifest: Manifest, checkpoint: string | undefined, directory: string) {
    this.manifest = manifest
    this.checkpoint = checkpoint
    this.directory = directory
  }

  hold(): Disposable {
    this.#readers += 1
    return {
      [Symbol.dispose]: () => {
        this.#readers -= 1
        this.#removeLater()
      },
    }
  }

  discard(): void {
    this.#discarded = true
    this.#removeLater()
  }

  #removeLater(): void {
    const remove = () => {
      if (this.#discarded && this.#readers === 0) rmSync(this.directory, { recursive: true, force: true })
    }
    if (this.#discarded && this.#readers === 0) setTimeout(remove, graceMs).unref()
  }
}

interface Build {
  store: ArtifactStore
  job: string
  attempt: string
  /** Keys of the checkpoints, oldest first. */
  keys: readonly string[]
  folder: string
  log: Log
}

/**
 * Reads only the checkpoints after `last`, or all if `last` is missing or a checkpoint is damaged.
 */
async function build(what: Build, last: BuiltManifest | undefined): Promise<BuiltManifest> {
  const { store, job, attempt, keys, folder, log } = what
  using _held = last?.hold()
  const known = last?.checkpoint === undefined ? 0 : keys.indexOf(last.checkpoint) + 1
  const base = known > 0 ? last?.manifest.entries() : undefined
  const directory = await mkdtemp(join(folder, 'manifest-'))
  try {
    let damaged = false
    await using merged = await mergeCheckpoints(store, job, attempt, {
      keys: keys.slice(known),
      directory,
      ...defined({ base }),
      onDamaged: ({ message }) => {
        damaged = true
        log.error({ job, error: message }, 'a damaged part of a result is left out')
      },
    })
    if (damaged && base !== undefined) {
      await rm(directory, { recursive: true, force: true })
      return await build(what, undefined)
    }
    const local = createFolderStore(directory)
    await local.prepare()
    const key = jobKeys.manifest(job, attempt)
    await putStream(
      local,
      key,
      writeManifest(await headOf(merged, job, attempt), merged?.entries() ?? none()),
    )
    const manifest = await openManifest(local, key)
    if (manifest === undefined) throw new Error(`the manifest in ${directory} is gone`)
    return new BuiltManifest(manifest, damaged ? undefined : keys.at(-1), directory)
  } catch (error) {
    await rm(directory, { recursive: true, force: true })
    throw error
  }
}

async function headOf(
  merged: MergedCheckpoints | undefined,
  job: string,
  attempt: string,
): Promise<ManifestHead> {
  const tally = emptyTally()
  for await (const entry of merged?.entries() ?? none()) addToTally(tally, entry)
  const scan_started_at = merged?.head.scan_started_at ?? new Date().toISOString()
  return { version: 1, job, attempt, scan_started_at, ...tally }
}

async function* none(): AsyncGenerator<Entry, void> {}
