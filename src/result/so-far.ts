import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { listCheckpoints, type MergedCheckpoints, mergeCheckpoints } from '../artifact/checkpoint.ts'
import type { Entry } from '../artifact/entry.ts'
import { createFolderStore } from '../artifact/folder.ts'
import { layout } from '../artifact/layout.ts'
import type { ManifestHead } from '../artifact/manifest.ts'
import { type Manifest, openManifest } from '../artifact/manifest-reader.ts'
import { writeManifest } from '../artifact/manifest-writer.ts'
import { putStream } from '../artifact/put-stream.ts'
import type { ArtifactStore } from '../artifact/store.ts'
import { addToTally, emptyTally } from '../artifact/tally.ts'
import type { Log } from '../log.ts'

/** What attempts that still run have stored so far, as manifests in temporary files; memory stays flat. */
export interface SoFar {
  /**
   * What `use` gives for an attempt's manifest of its newest checkpoint. Rejects with StoreError. Whoever reads on
   * after that holds it by hold().
   */
  withManifest<T>(job: string, attempt: string, use: (manifest: Manifest) => Promise<T>): Promise<T>
  /** Passes on what is read of such a manifest, whose file stays until the end. */
  hold<T>(manifest: Manifest, source: AsyncIterable<T>): AsyncIterable<T>
}

/** Manifests that are kept for the next reader. */
const kept = 16
/** Between withManifest() and hold(). */
const graceMs = 10_000

/** Its files go with `shutdown`. */
export function createSoFar(store: ArtifactStore, log: Log, shutdown?: AbortSignal): SoFar {
  const built = new LRUCache<string, Built>({ max: kept, dispose: (old) => old.discard() })
  const building = new Map<string, Promise<Built>>()
  let folder: Promise<string> | undefined
  shutdown?.addEventListener('abort', () => {
    void folder?.then((path) => rmSync(path, { recursive: true, force: true }))
  })

  async function newest(job: string, attempt: string): Promise<Built> {
    const keys = await listCheckpoints(store, job, attempt)
    const id = layout.attempt(job, attempt)
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

  const holders = new WeakMap<Manifest, Built>()
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

/** A manifest in a directory of its own, which goes once nobody wants or reads it any more. */
class Built {
  readonly manifest: Manifest
  /** The newest one's key that it is made of. */
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
  /** The checkpoints', oldest first. */
  keys: readonly string[]
  folder: string
  log: Log
}

/** Reads what came since `last` alone, where there is one and nothing is damaged. */
async function build(what: Build, last: Built | undefined): Promise<Built> {
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
      ...(base && { base }),
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
    const key = layout.manifest(job, attempt)
    await putStream(
      local,
      key,
      writeManifest(await headOf(merged, job, attempt), merged?.entries() ?? none()),
    )
    const manifest = await openManifest(local, key)
    if (manifest === undefined) throw new Error(`${directory} lost its manifest`)
    return new Built(manifest, damaged ? undefined : keys.at(-1), directory)
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
