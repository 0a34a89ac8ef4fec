import { LRUCache } from 'lru-cache'
import { jobKeys } from '../result-format/job-keys.ts'
import { DamagedManifest } from '../result-format/manifest/manifest-format.ts'
import { type Manifest, openManifest } from '../result-format/manifest/manifest-reader.ts'
import { type ArtifactStore, StoreError, type StoreErrorKind } from '../store/store.ts'
import { type Clock, systemClock } from '../util/clock.ts'
import { Problem } from '../util/errors.ts'
import type { Log } from '../util/log.ts'
import { createDamages } from './damages.ts'
import type { FileSource } from './file-source.ts'
import type { LocatedResult, LocateResult } from './locate.ts'
import { createPartialResults } from './partial-result.ts'
import { SharedReads } from './serve/shared/shared-reads.ts'
import { storeProblem } from './store-problem.ts'
import { createTextKinds } from './text-kinds.ts'

const cacheBytes = 64 * 1024 * 1024

/** A job's results with their manifest. */
export interface OpenResult {
  located: LocatedResult
  manifest: Manifest
}

/**
 * Opens results. The whole program shares one opener, with its cached manifests and known damage.
 */
export interface ResultOpener {
  /**
   * Resolves with the result of `use` for a job's results; calls `use` again if the manifest was
   * replaced after it was opened. Rejects with Problem: as LocateResult does, `result-damaged`,
   * `unavailable`. With `soFar` the job need not be final.
   */
  withResult<T>(uuid: string, use: (result: OpenResult) => Promise<T>, soFar?: boolean): Promise<T>
  /**
   * Passes on reads of the result after `use` has ended, with the same errors but without retry.
   */
  streamOf<T>(result: OpenResult, source: AsyncIterable<T>): AsyncIterable<T>
  /** The location of the result's files. */
  filesOf(result: OpenResult): FileSource
  /** The location of other files with keys of that form. */
  filesAt(at: Pick<FileSource, 'uuid' | 'attempt' | 'of'>): FileSource
}

/** Keeps up to 64 MiB of manifest indexes in memory; `shutdown` removes its temporary files. */
export function createResultOpener(
  store: ArtifactStore,
  locateResult: LocateResult,
  log: Log,
  { shutdown, clock = systemClock }: { shutdown?: AbortSignal; clock?: Clock } = {},
): ResultOpener {
  const partialResults = createPartialResults(store, log, shutdown)
  const damages = createDamages()
  const textKinds = createTextKinds()
  const sharedReads = new SharedReads()
  const shared = { store, log, clock, damages, textKinds, sharedReads }
  const manifests = new LRUCache<string, Manifest>({
    maxSize: cacheBytes,
    sizeCalculation: (manifest) => manifest.weight,
    fetchMethod: (key) => openManifest(store, key),
  })

  return {
    async withResult(uuid, use, soFar = false) {
      for (let tries = 1; ; tries += 1) {
        let opened: OpenResult | undefined
        try {
          const located = await locateResult(uuid, soFar)
          if (located.state === 'provisional') {
            const { job, attempt } = located
            return await partialResults.withManifest(job.job_uuid, attempt, (manifest) =>
              use({ located, manifest }),
            )
          }
          opened = await open(manifests, located)
          return await use(opened)
        } catch (error) {
          if (opened !== undefined && isStale(error)) manifests.delete(opened.manifest.key)
          if (opened === undefined || !isStale(error) || tries === 2) throw asProblem(error, log)
        }
      }
    },

    async *streamOf({ located, manifest }, source) {
      try {
        yield* located.state === 'provisional' ? partialResults.hold(manifest, source) : source
      } catch (error) {
        if (isStale(error)) manifests.delete(manifest.key)
        throw asProblem(error, log)
      }
    },

    filesOf({ located: { job, attempt, state } }) {
      const provisional = state === 'provisional'
      return { ...shared, uuid: job.job_uuid, attempt, provisional }
    },

    filesAt: (at) => ({ ...shared, ...at, provisional: false }),
  }
}

async function open(manifests: LRUCache<string, Manifest>, located: LocatedResult): Promise<OpenResult> {
  const key = jobKeys.manifest(located.job.job_uuid, located.attempt)
  const manifest = await manifests.fetch(key)
  if (manifest === undefined) throw new DamagedManifest(key, 'it is gone')
  return { located, manifest }
}

/** The caller's error for a failed read of a manifest. */
function asProblem(error: unknown, log: Log): unknown {
  if (error instanceof DamagedManifest) {
    log.error({ key: error.key, problem: error.message }, 'a manifest in the store is damaged')
    const detail = `The manifest in the store differs from the committed one: ${error.message}`
    return new Problem('result-damaged', detail, { cause: error })
  }
  if (isStale(error)) {
    const detail = 'The results were replaced or removed while they were read'
    return new Problem('unavailable', detail, { cause: error, retryAfterSeconds: 1 })
  }
  return storeProblem(error)
}

/** `invalid`: MinIO checks that the range lies within the object before it evaluates If-Match. */
const stale: readonly StoreErrorKind[] = ['precondition-failed', 'not-found', 'invalid']

function isStale(error: unknown): boolean {
  return error instanceof StoreError && stale.includes(error.kind)
}
