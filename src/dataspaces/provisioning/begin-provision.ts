import { Problem } from '../../util/errors.ts'
import { defined } from '../../util/objects.ts'
import { beginDatasetJob, datasetRequest } from '../datasets/dataset-request.ts'
import type { Dataset, DatasetJob } from '../datasets/datasets.ts'
import { provisionConsumerKind } from './connector-callbacks.ts'
import type { ProvisionRequest } from './provision-request.ts'
import type { ProvisioningParts } from './provisioning-parts.ts'
import type { Provision, StoredProvisions } from './stored-provision.ts'

export interface RequestedProvision {
  id: string
  request: ProvisionRequest
  /** The existing provision, unless it was deprovisioned. */
  standing: Provision | undefined
  /** True if the store has no entry of it yet. */
  isNew: boolean
  /**
   * Undefined if the configuration no longer has the dataset; an existing provision stays valid.
   */
  dataset: Dataset | undefined
  /** The name of the connector's token. */
  by: string | undefined
}

/**
 * Writes the provision and deploys its job; resolves with the job's uuid. Rejects with a Problem,
 * `not-found` if the dataset's job does not exist.
 */
export async function beginProvision(
  parts: ProvisioningParts,
  provisions: StoredProvisions,
  { id, request, standing, isNew, dataset, by }: RequestedProvision,
): Promise<string> {
  const { generation, transfer, resource, asset, callbackAddress = '' } = request
  const source = dataset?.source
  const promised = standing?.dataset ?? (dataset && given(dataset))
  if (promised === undefined) throw new Error('the dataset is neither provisioned nor configured')
  const now = new Date().toISOString()
  const write = async (uuid: string) => {
    const provision: Provision = {
      version: 1,
      id,
      request: { generation, transfer, resource, ...defined({ asset }), callbackAddress },
      uuid,
      own: source?.kind === 'job',
      dataset: promised,
      created_at: now,
      ...standing,
      asked_at: now,
    }
    const { answered_at: _, ...asked } = provision
    await provisions.write(asked)
    await parts.notifications.ends.add(asked.uuid, { kind: provisionConsumerKind, id, data: {} })
  }
  if (source?.kind === 'job' && standing?.own !== false && !(await isUnmakeable(parts, source, standing))) {
    return await deploy(parts, provisions, id, source, { write, isNew, by })
  }
  const uuid = standing?.uuid ?? (source?.kind === 'results' ? source.uuid : '')
  if (!(await parts.jobs.get(uuid)))
    throw new Problem('not-found', `There is no job ${uuid}, which made this data`)
  await write(uuid)
  return uuid
}

/** True if the job's configuration is gone but the job that was made earlier exists: it is used. */
async function isUnmakeable(
  { jobs, configured }: ProvisioningParts,
  { job }: DatasetJob,
  standing: Provision | undefined,
): Promise<boolean> {
  if (standing === undefined || configured.get(job) !== undefined) return false
  return (await jobs.get(standing.uuid)) !== undefined
}

async function deploy(
  parts: ProvisioningParts,
  provisions: StoredProvisions,
  id: string,
  source: DatasetJob,
  { write, isNew, by }: Pick<RequestedProvision, 'isNew' | 'by'> & { write(uuid: string): Promise<void> },
): Promise<string> {
  const { jobs, notifications } = parts
  const { request, asked } = await datasetRequest(source, parts)
  // The space keeps callers out: no Idempotency-Key may contain one, so nobody else can make this
  // job.
  const deployment = await beginDatasetJob(jobs, `provision ${id}`, by)
  const { uuid } = deployment
  try {
    await write(uuid)
  } catch (error) {
    await deployment.abandon()
    throw error
  }
  try {
    await deployment.deploy(request, undefined, asked)
  } catch (error) {
    // The configuration changed after the first request: the job that was made then is used.
    if (error instanceof Problem && error.code === 'idempotency-key-reused') return uuid
    // After `unavailable` the job may exist.
    if (isNew && error instanceof Problem && error.code !== 'unavailable') {
      await notifications.ends.remove(uuid, { kind: provisionConsumerKind, id })
      await provisions.remove(id)
    }
    throw error
  }
  return uuid
}

function given({ file, format, givenAs, remove }: Dataset): Provision['dataset'] {
  return { ...defined({ file }), format, givenAs, remove }
}
