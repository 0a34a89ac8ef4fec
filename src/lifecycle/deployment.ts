import type { ArtifactStore } from '../artifact/store.ts'
import { messageOf, Problem } from '../errors.ts'
import type { JobBackend } from '../job/backend.ts'
import type { JobRequest } from '../job/request.ts'
import { requestHash } from '../job/request-hash.ts'
import type { Log } from '../log.ts'
import { Inputs } from './inputs.ts'
import type { Companion, Deployment } from './jobs.ts'
import { guarded } from './store-guard.ts'

export interface DeploymentParts {
  backend: JobBackend
  store: ArtifactStore
  log: Log
  inputMaxBytes: number
}

/**
 * A creation of the job `uuid`, alone in this process (`unlock` ends that). `existing` is the request's hash of the
 * job of that uuid, live or finished: then inputs are only hashed, so that a replay can't touch what was stored.
 */
export function createDeployment(
  { backend, store, log, inputMaxBytes: maxBytes }: DeploymentParts,
  uuid: string,
  existing: string | undefined,
  unlock: () => void,
): Deployment {
  const inputs = new Inputs({ store, uuid, maxBytes, hashOnly: existing !== undefined })

  async function make(request: JobRequest, companion?: Companion): Promise<void> {
    const requestSha256 = requestHash(request, inputs.received)
    if (existing !== undefined) return checkSame(existing, requestSha256)
    const inputsSha256 = await inputs.storeList()
    if (companion) await guarded(() => companion.write())
    const plan = { uuid, request, requestSha256, ...(inputsSha256 && { inputsSha256 }) }
    const made = await backend.create(plan)
    checkSame(made.requestSha256, requestSha256)
    // Another request with the key was faster, perhaps at another process: its inputs are the job's.
    if (!made.created) await abandonQuietly()
    await untilKnown(backend, uuid)
  }

  async function abandonQuietly(companion?: Companion): Promise<void> {
    await Promise.all([inputs.remove(), companion?.remove()]).catch((error: unknown) => {
      const failed = { job: uuid, error: messageOf(error) }
      log.warn(failed, 'what came with a request that failed could not be removed')
    })
  }

  return {
    uuid,

    receiveInput: (name, stream) => inputs.receive(name, stream),

    async deploy(request, companion) {
      try {
        await make(request, companion)
        return { job_uuid: uuid }
      } catch (error) {
        // Where the cluster's answer was lost, the Job may stand: a retry with the key completes it.
        const code = error instanceof Problem ? error.code : undefined
        if (code !== 'unavailable') {
          // Another replica made the job of this key meanwhile, whose companion has the same name.
          const isOthers = existing !== undefined || code === 'idempotency-key-reused'
          await abandonQuietly(isOthers ? undefined : companion)
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

/** A job must be found by the very caller who was just told of it, though the watch is a moment behind. */
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

function checkSame(existing: string, requested: string): void {
  if (existing === requested) return
  throw new Problem(
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
