import { type ArtifactStore, StoreError } from '../../artifact/store.ts'
import { invalid, Problem } from '../../errors.ts'
import { isFinal } from '../../job/job.ts'
import type { ConfiguredJob } from '../../job/request-schema.ts'
import type { Jobs } from '../../lifecycle/jobs.ts'
import { KeyLock } from '../../lifecycle/key-lock.ts'
import type { Log } from '../../log.ts'
import { datasetRequest } from '../datasets/dataset-request.ts'
import type { Dataset, DatasetJob } from '../datasets/datasets.ts'
import type { JobEnds } from '../job-ends.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { Lease } from '../outbox/sender.ts'
import type { Outgoing } from '../outgoing/outgoing.ts'
import { Callbacks, consumerKind, defaultPauses, type Pauses } from './callbacks.ts'
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
  /** The same request, asked again, leads to the same job. */
  provision(request: ProvisionRequest, dataset: Dataset): Promise<Provisioned>
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
        checkRequest(parts, request, dataset)
        const planned = await callbacks.plan(id)
        const uuid = await begin(parts, provisions, id, request, dataset)
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
  dataset: Dataset,
): void {
  const others =
    edc.callbackUrls.length > 0
      ? 'an address below one of EDC_CALLBACK_URLS'
      : completion.outgoing.refuses(callbackAddress)
  if (others !== undefined && !isConnectors(callbackAddress, edc)) {
    throw invalid('callbackAddress', 'is not allowed', others)
  }
  const trouble = needs(dataset, access)
  if (trouble !== undefined) throw new Problem('unavailable', trouble, { retryAfterSeconds: 30 })
}

async function begin(
  parts: ProvisioningParts,
  provisions: StoredProvisions,
  id: string,
  request: ProvisionRequest,
  dataset: Dataset,
): Promise<string> {
  const before = await provisions.read(id)
  // What was promised first stands.
  const standing = before?.deprovisioned_at === undefined ? before : undefined
  const { source } = dataset
  const { generation, transfer, resource, asset, callbackAddress = '' } = request
  const now = new Date().toISOString()
  const provisionOf = (uuid: string): Provision => ({
    version: 1,
    id,
    request: { generation, transfer, resource, ...(asset !== undefined && { asset }), callbackAddress },
    uuid,
    own: source.kind === 'job',
    dataset: given(dataset),
    created_at: now,
    ...standing,
    asked_at: now,
  })
  const write = async (uuid: string) => {
    const { answered_at: _, ...asked } = provisionOf(uuid)
    await provisions.write(asked)
    await parts.completion.ends.add(asked.uuid, { kind: consumerKind, id, data: {} })
  }
  if (source.kind === 'job' && standing?.own !== false) {
    return await deploy(parts, provisions, id, source, { write, isNew: !before })
  }
  const uuid = standing?.uuid ?? (source.kind === 'results' ? source.uuid : '')
  if (!(await parts.jobs.get(uuid)))
    throw new Problem('not-found', `There is no job ${uuid}, which this data is of`)
  await write(uuid)
  return uuid
}

async function deploy(
  { jobs, configured, completion, onDeployed }: ProvisioningParts,
  provisions: StoredProvisions,
  id: string,
  source: DatasetJob,
  { write, isNew }: { write(uuid: string): Promise<void>; isNew: boolean },
): Promise<string> {
  const request = datasetRequest(source, configured)
  // With a space, which no caller's Idempotency-Key may have: nobody makes the job that it will be.
  const deployment = await jobs.beginDeployment(`provision ${id}`)
  const { uuid } = deployment
  try {
    await write(uuid)
  } catch (error) {
    await deployment.abandon()
    throw error
  }
  try {
    await deployment.deploy(request)
    onDeployed()
  } catch (error) {
    // The configuration has changed since it was asked for first: the job that was made then is the one.
    if (error instanceof Problem && error.code === 'idempotency-key-reused') return uuid
    // After `unavailable` the job may stand.
    if (isNew && error instanceof Problem && error.code !== 'unavailable') {
      await completion.ends.remove(uuid, { kind: consumerKind, id })
      await provisions.remove(id)
    }
    throw error
  }
  return uuid
}

/** Each step may be done again, and nothing is given any more from the first one on. */
async function end(
  { jobs, access, completion, log }: ProvisioningParts,
  provisions: StoredProvisions,
  id: string,
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
  if (dataset.remove === 'job') await jobs.remove(uuid)
  else if (own && job && !isFinal(job.state)) await cancel(jobs, uuid)
  await provisions.remove(id)
  log.info({ job: uuid, transfer: found.request.transfer, removed: dataset.remove }, 'deprovisioned')
  return uuid
}

/** Somebody may remove it in this moment. */
async function cancel(jobs: Pick<Jobs, 'cancel'>, uuid: string): Promise<void> {
  await jobs.cancel(uuid).catch((error: unknown) => {
    if (!(error instanceof Problem && error.code === 'not-found')) throw error
  })
}

function given({ file, format, givenAs, remove }: Dataset): Provision['dataset'] {
  return { ...(file !== undefined && { file }), format, givenAs, remove }
}
