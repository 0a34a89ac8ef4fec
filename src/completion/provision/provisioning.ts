import { type ArtifactStore, StoreError } from '../../artifact/store.ts'
import { invalid, Problem } from '../../errors.ts'
import { isFinal } from '../../job/job.ts'
import type { ConfiguredJob } from '../../job/request-schema.ts'
import type { Jobs } from '../../lifecycle/jobs.ts'
import { KeyLock } from '../../lifecycle/key-lock.ts'
import type { Log } from '../../log.ts'
import type { Dataset } from '../datasets/datasets.ts'
import type { JobEnds } from '../job-ends.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { Lease } from '../outbox/sender.ts'
import type { Outgoing } from '../outgoing/outgoing.ts'
import { beginProvision } from './begin-provision.ts'
import { Callbacks, consumerKind, defaultPauses, type Pauses, rememberedMilliseconds } from './callbacks.ts'
import { type EdcSettings, isConnectors } from './edc-settings.ts'
import { type AccessParts, needs, revokeAccess } from './give-access.ts'
import { type ProvisionRequest, provisionId } from './request.ts'
import { type Provision, type StoredProvisions, storedProvisions } from './stored-provision.ts'

export interface ProvisioningParts {
  store: ArtifactStore
  jobs: Pick<Jobs, 'beginDeployment' | 'get' | 'cancel' | 'remove'>
  configured: { get(name: string): ConfiguredJob | undefined }
  access: AccessParts
  edc: EdcSettings
  completion: { ends: JobEnds; outbox: Outbox; outgoing: Pick<Outgoing, 'refuses'> }
  lease: Lease
  log: Log
  onDeployed(): void
  /** For tests. */
  pauses?: Pauses
}

/** What a request led to; `answered` is to be called once its answer is out: nothing is sent to its caller before. */
export interface Provisioned {
  uuid: string | undefined
  answered(): Promise<void>
}

/** Connectors' requests for data that jobs make. Rejects with Problem. */
export interface Provisioning {
  /**
   * The same request, asked again, leads to the same job, whatever `dataset` gives or rejects with by then. One without
   * a type that its connector has been told of already deprovisions it.
   */
  provision(request: ProvisionRequest, dataset: () => Dataset): Promise<Provisioned>
  /** What is unknown counts as deprovisioned. */
  deprovision(request: ProvisionRequest): Promise<Provisioned>
}

/** `start` begins to look for what was left undone; `close` ends it. */
export function createProvisioning(
  parts: ProvisioningParts,
): Provisioning & { start(): void; close(): Promise<void> } {
  const provisions = storedProvisions(parts.store)
  const locks = new KeyLock()
  const callbacks = new Callbacks({ ...parts, provisions, locks, pauses: parts.pauses ?? defaultPauses })
  const locked = async (request: ProvisionRequest, run: (id: string) => Promise<Provisioned>) => {
    const id = provisionId(request)
    const unlock = await locks.lock(id)
    try {
      return await run(id)
    } catch (error) {
      throw forConnectors(error)
    } finally {
      unlock()
    }
  }
  return {
    provision: (request, dataset) =>
      locked(request, async (id) => {
        const before = await provisions.read(id)
        if (isOver(request, before)) {
          const uuid = await end(parts, provisions, id, { remember: true })
          return { uuid, answered: async () => {} }
        }
        const standing = before?.deprovisioned_at === undefined ? before : undefined
        const asked = { id, request, standing, isNew: !before, dataset: datasetOf(dataset, standing) }
        checkRequest(parts, request, standing?.dataset ?? asked.dataset)
        const planned = await callbacks.plan(id)
        const uuid = await beginProvision(parts, provisions, asked)
        return { uuid, answered: () => callbacks.answered(id, planned) }
      }),

    deprovision: (request) =>
      locked(request, async (id) => {
        const uuid = await end(parts, provisions, id)
        return { uuid, answered: () => callbacks.deprovisioned(id, request) }
      }),

    start: () => callbacks.start(),
    close: () => callbacks.close(),
  }
}

/**
 * Whether a request means that something is wanted no longer: connectors to 0.10 don't say so. They ask for a thing again
 * only until they were told of it, and their ids are never used twice.
 */
function isOver({ type }: ProvisionRequest, before: Provision | undefined): boolean {
  return type === undefined && (before?.told_at ?? before?.deprovisioned_at) !== undefined
}

/** What was promised stands, though the configuration has no more of it. */
function datasetOf(dataset: () => Dataset, standing: Provision | undefined): Dataset | undefined {
  try {
    return dataset()
  } catch (error) {
    if (standing === undefined || !(error instanceof Problem)) throw error
    return undefined
  }
}

/** A connector ends a transfer for any 4xx: what passes by itself has to be a 5xx. */
function forConnectors(error: unknown): unknown {
  if (
    !(error instanceof Problem) ||
    !['deletion-under-way', 'not-final', 'not-started'].includes(error.code)
  ) {
    return error
  }
  return new Problem('unavailable', error.message, { cause: error, retryAfterSeconds: 5 })
}

function checkRequest(
  { access, edc, completion }: ProvisioningParts,
  { callbackAddress = '' }: ProvisionRequest,
  dataset: Pick<Dataset, 'givenAs'> | undefined,
): void {
  const others =
    edc.callbackUrls.length > 0
      ? 'an address below one of EDC_CALLBACK_URLS'
      : completion.outgoing.refuses(callbackAddress)
  if (others !== undefined && !isConnectors(callbackAddress, edc)) {
    throw invalid('callbackAddress', 'is not allowed', others)
  }
  const trouble = dataset && needs(dataset, access)
  if (trouble !== undefined) throw new Problem('unavailable', trouble, { retryAfterSeconds: 30 })
}

/** Each step may be done again, and nothing is given any more from the first one on. */
async function end(
  { jobs, access, completion, log }: ProvisioningParts,
  provisions: StoredProvisions,
  id: string,
  { remember = false }: { remember?: boolean } = {},
): Promise<string | undefined> {
  const found = await provisions.read(id)
  if (!found) return undefined
  const { uuid, own, dataset } = found
  await provisions.write({ ...found, deprovisioned_at: found.deprovisioned_at ?? new Date().toISOString() })
  await revokeAccess(access, found).catch((error: unknown) => {
    // A store that knows no such keys gave none either; another trouble passes, and the connector asks again.
    if (!(error instanceof StoreError && error.kind === 'denied')) throw error
    log.error(
      { job: uuid, error: error.message },
      'the store does not take back the key that it may have given',
    )
  })
  await completion.ends.remove(uuid, { kind: consumerKind, id })
  const job = await jobs.get(uuid)
  // Others' data stays, whatever the mapping said when this was asked for.
  if (own && dataset.remove === 'job') await jobs.remove(uuid)
  else if (own && job && !isFinal(job.state)) await cancel(jobs, uuid)
  // Else the same request again would begin it anew.
  if (remember) await provisions.plan(id, Date.now() + rememberedMilliseconds)
  else await provisions.remove(id)
  log.info({ job: uuid, transfer: found.request.transfer, removed: dataset.remove }, 'deprovisioned')
  return uuid
}

/** Somebody may remove it in this moment. */
async function cancel(jobs: Pick<Jobs, 'cancel'>, uuid: string): Promise<void> {
  await jobs.cancel(uuid).catch((error: unknown) => {
    if (!(error instanceof Problem && error.code === 'not-found')) throw error
  })
}
