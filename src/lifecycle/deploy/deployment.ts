import type { JobBackend } from '../../job/backend.ts'
import type { Job } from '../../job/job.ts'
import type { JobRequest } from '../../job/request/request.ts'
import { earlierRequestHash, type Meaning, requestHash } from '../../job/request/request-hash.ts'
import type { Restart } from '../../job/steps/restart.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { messageOf, Problem } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import type { Metrics } from '../../util/metrics.ts'
import { defined } from '../../util/objects.ts'
import { checkTargets } from '../deliveries/check-targets.ts'
import type { Deployment, PendingNotification, RerunOptions } from '../jobs.ts'
import { translateStoreErrors } from '../translate-store-errors.ts'
import type { Shelves } from '../uploads/shelves.ts'
import { asGoneInputs, takeInputs } from './again/rerun-inputs.ts'
import { findDependencies } from './find-dependencies.ts'
import { findSources, readableOf } from './find-sources.ts'
import { namedSecrets, type SourceRules, sourceLines } from './input-sources.ts'
import { Inputs } from './inputs.ts'
import { awaitedResults } from './job-sources.ts'

export interface DeploymentParts {
  backend: JobBackend
  store: ArtifactStore
  log: Log
  metrics: Pick<Metrics, 'deploys'>
  inputMaxBytes: number
  inputSources: SourceRules
  shelves: Shelves
  /** A job, live or finished. */
  findJob(uuid: string): Promise<Job | undefined>
}

export interface BegunDeployment {
  uuid: string
  existing: string | undefined
  madeBy: string | null
  unlock: () => void
}

/**
 * A creation of the job `uuid`, the only one in this process until `unlock` is called. `existing`
 * is the request's hash of a live or finished job of that uuid: its inputs are only hashed, so that
 * a replay can't overwrite stored ones.
 */
export function createDeployment(
  parts: DeploymentParts,
  { uuid, existing, madeBy, unlock }: BegunDeployment,
): Deployment {
  const { store, log, metrics, inputMaxBytes: maxBytes } = parts
  const inputs = new Inputs({ store, uuid, maxBytes, hashOnly: existing !== undefined })

  const abandonQuietly = (notification?: PendingNotification) =>
    removeQuietly(log, uuid, inputs, notification)

  return {
    uuid,

    receiveInput: (name, stream) => inputs.receive(name, stream),

    takeInputs: (of) => takeInputs(store, inputs, of),

    async deploy(request, notification, asked = request, again = {}) {
      try {
        const { rerunOf, restart } = again
        const restartedFrom = restart && (restart.from ?? null)
        const hashes = hashesOf(asked, inputs, { rerunOf, restartedFrom, caller: madeBy })
        const job = { uuid, madeBy, request, hashes, inputs, notification, again }
        if (existing !== undefined) ensureSame(existing, hashes)
        else await makeJob(parts, job)
        metrics.deploys.inc()
        // For audits: with the token's name, never the token.
        log.info(
          { job: uuid, token: madeBy, configured: request.job, again: existing !== undefined },
          'deployed',
        )
        return { job_uuid: uuid }
      } catch (error) {
        // If only the cluster's answer was lost, the Job exists: a retry with the key completes it.
        const code = error instanceof Problem ? error.code : undefined
        if (code !== 'unavailable') {
          // Another replica has made the job of this key meanwhile; its notification has the same
          // name.
          const isOthers = existing !== undefined || code === 'idempotency-key-reused'
          await abandonQuietly(isOthers ? undefined : notification)
        }
        throw error
      } finally {
        unlock()
      }
    },

    async abandon() {
      await abandonQuietly()
      unlock()
    },
  }
}

interface JobToMake extends Pick<BegunDeployment, 'uuid' | 'madeBy'> {
  request: JobRequest
  hashes: RequestHashes
  inputs: Inputs
  notification: PendingNotification | undefined
  again: RerunOptions
}

async function makeJob(
  parts: DeploymentParts,
  { uuid, madeBy, request, hashes, inputs, notification, again }: JobToMake,
): Promise<void> {
  const placed = await placeInputs(request, inputs, parts, {
    uuid,
    caller: madeBy,
    restart: again.restart,
  }).catch((error: unknown) => {
    throw again.sameInputs ? asGoneInputs(error) : error
  })
  if (notification) await translateStoreErrors(() => notification.write())
  // The inputs lie in the store: an annotation could not hold them.
  const { inputs: _, ...kept } = request
  const made = await parts.backend.create({
    ...{ uuid, request: kept, ...hashes },
    ...placed,
    ...defined({ madeBy: madeBy ?? undefined, rerunOf: again.rerunOf, restart: again.restart }),
  })
  ensureSame(made.requestSha256, hashes)
  // Another request with the key was faster, perhaps at another replica: the job uses its inputs.
  if (!made.created) await removeQuietly(parts.log, uuid, inputs)
  await untilKnown(parts.backend, uuid)
}

async function removeQuietly(
  log: Log,
  uuid: string,
  inputs: Inputs,
  notification?: PendingNotification,
): Promise<void> {
  await Promise.all([inputs.remove(), notification?.remove()]).catch((error: unknown) =>
    log.warn({ job: uuid, error: messageOf(error) }, 'removing the inputs of a failed request failed'),
  )
}

/**
 * Stores a request's inputs and the list of their sources. Resolves with what the backend is told of
 * them, and of the jobs that they and `depends_on` wait for.
 */
async function placeInputs(
  request: JobRequest,
  inputs: Inputs,
  parts: DeploymentParts,
  job: { uuid: string; caller: string | null; restart: Restart | undefined },
) {
  const by = { ...parts, ...job }
  const references = request.inputs ?? []
  checkTargets(request.outputs?.deliver ?? [], parts.inputSources)
  const waiting = await findDependencies(request.depends_on ?? [], by)
  const found = await translateStoreErrors(() =>
    findSources(references, { ...by, awaited: waiting?.jobs ?? [] }),
  )
  const results = awaitedResults(found.attempts)
  const sources = sourceLines(references, parts.inputSources, request.input_timeout_seconds, found)
  const inputsSha256 = await inputs.storeAll(references, sources)
  return {
    ...defined({ inputsSha256, secrets: namedSecrets(sources), readable: readableOf(found) }),
    ...defined({ waiting: waiting && { ...waiting, results } }),
    ...(request.inputs !== undefined && { readOnlyInputs: true }),
  }
}

type RequestHashes = ReturnType<typeof hashesOf>

/** The request's hash in this version's form and in the earlier one: a replay may have either. */
function hashesOf(asked: JobRequest, { received }: Inputs, meaning: Meaning) {
  return {
    requestSha256: requestHash(asked, received, meaning),
    earlierSha256: earlierRequestHash(asked, received, meaning),
  }
}

/** Throws Problem `idempotency-key-reused` if the stored hash is another request's. */
function ensureSame(stored: string, hashes: RequestHashes): void {
  if (!Object.values(hashes).includes(stored)) throw keyReused()
}

/**
 * Waits for the watch to deliver the job, for 5 s at most, so that the caller finds it by its uuid.
 */
async function untilKnown(backend: JobBackend, uuid: string): Promise<void> {
  if (backend.get(uuid)) return
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      end()
      resolve()
    }
    const timer = setTimeout(done, 5000)
    const end = backend.subscribe((changed) => {
      if (changed === uuid) done()
    })
    if (backend.get(uuid)) done()
  })
}

function keyReused(): Problem {
  return new Problem(
    'idempotency-key-reused',
    'Idempotency-Key: it was used for another request; expected a new key for a new request',
    {
      errors: [
        {
          field: 'Idempotency-Key',
          problem: 'used for another request',
          expected: 'a new key for a new request',
        },
      ],
    },
  )
}
