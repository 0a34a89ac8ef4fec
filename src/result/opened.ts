import { LRUCache } from 'lru-cache'
import { layout } from '../artifact/layout.ts'
import { DamagedManifest } from '../artifact/manifest-format.ts'
import { type Manifest, openManifest } from '../artifact/manifest-reader.ts'
import { type ArtifactStore, StoreError, type StoreErrorKind } from '../artifact/store.ts'
import { Problem } from '../errors.ts'
import type { Log } from '../log.ts'
import type { LocatedResult, LocateResult } from './locate.ts'
import type { SoFar } from './so-far.ts'

const cacheBytes = 64 * 1024 * 1024

/** A job's results, found, and their manifest. */
export interface OpenedResult {
  located: LocatedResult
  manifest: Manifest
}

/** Opens results; keeps the manifests' indexes in memory, 64 MiB of them at most. */
export interface Opener {
  /**
   * What `use` gives for a job's results; it is called again where the manifest had been replaced since it was
   * opened. Rejects with Problem: as LocateResult does, `result-damaged`, `unavailable`. With `soFar` a job need not
   * be final.
   */
  withResult<T>(uuid: string, use: (result: OpenedResult) => Promise<T>, soFar?: boolean): Promise<T>
  /** The same for what is read bit by bit and can't be begun again. */
  streamOf<T>(result: OpenedResult, source: AsyncIterable<T>): AsyncIterable<T>
}

export function createOpener(
  store: ArtifactStore,
  locateResult: LocateResult,
  log: Log,
  soFarOf?: SoFar,
): Opener {
  const manifests = new LRUCache<string, Manifest>({
    maxSize: cacheBytes,
    sizeCalculation: (manifest) => manifest.weight,
    fetchMethod: (key) => openManifest(store, key),
  })

  async function open(located: LocatedResult): Promise<OpenedResult> {
    const key = layout.manifest(located.job.job_uuid, located.attempt)
    const manifest = await manifests.fetch(key)
    if (manifest === undefined) throw new DamagedManifest(key, 'it is gone')
    return { located, manifest }
  }

  return {
    async withResult(uuid, use, soFar = false) {
      for (let tries = 1; ; tries += 1) {
        let opened: OpenedResult | undefined
        try {
          const located = await locateResult(uuid, soFar)
          if (located.state === 'provisional' && soFarOf !== undefined) {
            const { job, attempt } = located
            return await soFarOf.withManifest(job.job_uuid, attempt, (manifest) => use({ located, manifest }))
          }
          opened = await open(located)
          return await use(opened)
        } catch (error) {
          if (opened !== undefined && isStale(error)) manifests.delete(opened.manifest.key)
          if (opened === undefined || !isStale(error) || tries === 2) throw asProblem(error, log)
        }
      }
    },

    async *streamOf({ located, manifest }, source) {
      try {
        yield* located.state === 'provisional' && soFarOf ? soFarOf.hold(manifest, source) : source
      } catch (error) {
        if (isStale(error)) manifests.delete(manifest.key)
        throw asProblem(error, log)
      }
    },
  }
}

/** What a failed read of a manifest means for the caller. */
function asProblem(error: unknown, log: Log): unknown {
  if (error instanceof DamagedManifest) {
    log.error({ key: error.key, problem: error.message }, 'a manifest in the store is damaged')
    const detail = `The manifest in the store is not what was committed: ${error.message}`
    return new Problem('result-damaged', detail, { cause: error })
  }
  if (isStale(error)) {
    const detail = 'The results were replaced or removed while they were read'
    return new Problem('unavailable', detail, { cause: error, retryAfterSeconds: 1 })
  }
  return storeProblem(error)
}

/** `unavailable` for a StoreError; anything else as it is. */
export function storeProblem(error: unknown): unknown {
  if (!(error instanceof StoreError)) return error
  return new Problem('unavailable', 'The object store does not answer', {
    cause: error,
    retryAfterSeconds: 5,
  })
}

/** MinIO says that a range lies outside of what an object is now before it looks at If-Match: `invalid`. */
const stale: readonly StoreErrorKind[] = ['precondition-failed', 'not-found', 'invalid']

function isStale(error: unknown): boolean {
  return error instanceof StoreError && stale.includes(error.kind)
}
