import { isFinal } from '../../job/job.ts'
import type { Jobs } from '../../lifecycle/jobs.ts'
import { StoreError } from '../../store/store.ts'
import { invalid, Problem } from '../../util/errors.ts'
import { KeyedMutex } from '../../util/keyed-mutex.ts'
import type { Dataset } from '../datasets/datasets.ts'
import { beginProvision } from './begin-provision.ts'
import {
  ConnectorCallbacks,
  defaultPauses,
  provisionConsumerKind,
  rememberedMilliseconds,
} from './connector-callbacks.ts'
import { isConnectors } from './edc-settings.ts'
import { needs, revokeAccess } from './give-access.ts'
import { type ProvisionRequest, provisionId } from './provision-request.ts'
import type { ProvisioningParts } from './provisioning-parts.ts'
import { type Provision, type StoredProvisions, storedProvisions } from './stored-provision.ts'

/**
 * The outcome of a request. The caller calls `answered` once its answer was sent; callbacks wait
 * for that.
 */
export interface Provisioned {
  uuid: string | undefined
  answered(): Promise<void>
}

/** Serves connectors' requests for data that jobs make. Methods reject with Problem. */
export interface Provisioning {
  /**
   * A repeated request leads to the same job, also if `dataset` has changed or rejects by then. A
   * repeated request without a type deprovisions, if its connector was already notified. `by` is
   * the name of its token.
   */
  provision(request: ProvisionRequest, dataset: () => Dataset, by?: string): Promise<Provisioned>
  /** An unknown resource counts as deprovisioned. */
  deprovision(request: ProvisionRequest): Promise<Provisioned>
}

/** `start` begins to search for unfinished provisions; `close` ends it. */
export function createProvisioning(
  parts: ProvisioningParts,
): Provisioning & { start(): void; close(): Promise<void> } {
  const provisions = storedProvisions(parts.store)
  const locks = new KeyedMutex()
  const callbacks = new ConnectorCallbacks({
    ...parts,
    provisions,
    locks,
    pauses: parts.pauses ?? defaultPauses,
  })
  const locked = async (request: ProvisionRequest, run: (id: string) => Promise<Provisioned>) => {
    const id = provisionId(request)
    try {
      return await locks.locked(id, () => run(id))
    } catch (error) {
      throw forConnectors(error)
    }
  }
  return {
    provision: (request, dataset, by) =>
      locked(request, async (id) => {
        const before = await provisions.read(id)
        if (isOver(request, before)) {
          const uuid = await end(parts, provisions, id, { remember: true })
          return { uuid, answered: async () => {} }
        }
        const standing = before?.deprovisioned_at === undefined ? before : undefined
        const asked = { id, request, standing, isNew: !before, dataset: datasetOf(dataset, standing), by }
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
 * True if a request without a type means deprovisioning: connectors to 0.10 send none. They repeat
 * a provision request only until they were notified, and never use an id twice.
 */
function isOver({ type }: ProvisionRequest, before: Provision | undefined): boolean {
  return type === undefined && (before?.told_at ?? before?.deprovisioned_at) !== undefined
}

/**
 * The configured dataset; undefined if the configuration no longer has it but the provision exists.
 */
function datasetOf(dataset: () => Dataset, standing: Provision | undefined): Dataset | undefined {
  try {
    return dataset()
  } catch (error) {
    if (standing === undefined || !(error instanceof Problem)) throw error
    return undefined
  }
}

/** Turns passing troubles into a 5xx: a connector ends its transfer for any 4xx. */
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
  { access, edc, notifications }: ProvisioningParts,
  { callbackAddress = '' }: ProvisionRequest,
  dataset: Pick<Dataset, 'givenAs'> | undefined,
): void {
  const others =
    edc.callbackUrls.length > 0
      ? 'an address below one of EDC_CALLBACK_URLS'
      : notifications.outgoing.refuses(callbackAddress)
  if (others !== undefined && !isConnectors(callbackAddress, edc)) {
    throw invalid('callbackAddress', 'is not allowed', others)
  }
  const trouble = dataset && needs(dataset, access)
  if (trouble !== undefined) throw new Problem('unavailable', trouble, { retryAfterSeconds: 30 })
}

/** Deprovisions. Each step may be repeated, and after the first one no access is given any more. */
async function end(
  { jobs, access, notifications, log }: ProvisioningParts,
  provisions: StoredProvisions,
  id: string,
  { remember = false }: { remember?: boolean } = {},
): Promise<string | undefined> {
  const found = await provisions.read(id)
  if (!found) return undefined
  const { uuid, own, dataset } = found
  await provisions.write({ ...found, deprovisioned_at: found.deprovisioned_at ?? new Date().toISOString() })
  await revokeAccess(access, found).catch((error: unknown) => {
    // A store without such keys gave none. Other failures reject, and the connector repeats its
    // request.
    if (!(error instanceof StoreError && error.kind === 'denied')) throw error
    log.error(
      { job: uuid, error: error.message },
      'the store refuses to revoke an access key that it may have given',
    )
  })
  await notifications.ends.remove(uuid, { kind: provisionConsumerKind, id })
  const job = await jobs.get(uuid)
  // A job that was not made for this provision stays, whatever the mapping said.
  if (own && dataset.remove === 'job') await jobs.remove(uuid)
  else if (own && job && !isFinal(job.state)) await cancel(jobs, uuid)
  // Kept for a time: a repetition of this request would otherwise begin a new provision.
  if (remember) await provisions.plan(id, Date.now() + rememberedMilliseconds)
  else await provisions.remove(id)
  log.info({ job: uuid, transfer: found.request.transfer, removed: dataset.remove }, 'deprovisioned')
  return uuid
}

/** Cancels the job; a job that was removed meanwhile counts as canceled. */
async function cancel(jobs: Pick<Jobs, 'cancel'>, uuid: string): Promise<void> {
  await jobs.cancel(uuid).catch((error: unknown) => {
    if (!(error instanceof Problem && error.code === 'not-found')) throw error
  })
}
