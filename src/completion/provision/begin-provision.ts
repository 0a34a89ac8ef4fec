import { Problem } from '../../errors.ts'
import { datasetRequest } from '../datasets/dataset-request.ts'
import type { Dataset, DatasetJob } from '../datasets/datasets.ts'
import { consumerKind } from './callbacks.ts'
import type { ProvisioningParts } from './provisioning.ts'
import type { ProvisionRequest } from './request.ts'
import type { Provision, StoredProvisions } from './stored-provision.ts'

export interface Asked {
  id: string
  request: ProvisionRequest
  /** What was promised before, where that stands. */
  standing: Provision | undefined
  /** Whether nothing is written of it. */
  isNew: boolean
  /** Undefined where the configuration has it no more: what was promised stands all the same. */
  dataset: Dataset | undefined
}

/**
 * Writes down what is promised and makes its job; gives that one's uuid. Rejects with a Problem, `not-found` where
 * there is no such job (any more).
 */
export async function beginProvision(
  parts: ProvisioningParts,
  provisions: StoredProvisions,
  { id, request, standing, isNew, dataset }: Asked,
): Promise<string> {
  const { generation, transfer, resource, asset, callbackAddress = '' } = request
  const source = dataset?.source
  const promised = standing?.dataset ?? (dataset && given(dataset))
  if (promised === undefined) throw new Error('neither promised nor configured')
  const now = new Date().toISOString()
  const write = async (uuid: string) => {
    const provision: Provision = {
      version: 1,
      id,
      request: { generation, transfer, resource, ...(asset !== undefined && { asset }), callbackAddress },
      uuid,
      own: source?.kind === 'job',
      dataset: promised,
      created_at: now,
      ...standing,
      asked_at: now,
    }
    const { answered_at: _, ...asked } = provision
    await provisions.write(asked)
    await parts.completion.ends.add(asked.uuid, { kind: consumerKind, id, data: {} })
  }
  if (source?.kind === 'job' && standing?.own !== false && !(await isUnmakeable(parts, source, standing))) {
    return await deploy(parts, provisions, id, source, { write, isNew })
  }
  const uuid = standing?.uuid ?? (source?.kind === 'results' ? source.uuid : '')
  if (!(await parts.jobs.get(uuid)))
    throw new Problem('not-found', `There is no job ${uuid}, which this data is of`)
  await write(uuid)
  return uuid
}

/** A job that was made before is the one, though its configuration is gone. */
async function isUnmakeable(
  { jobs, configured }: ProvisioningParts,
  { job }: DatasetJob,
  standing: Provision | undefined,
): Promise<boolean> {
  if (standing === undefined || configured.get(job) !== undefined) return false
  return (await jobs.get(standing.uuid)) !== undefined
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

function given({ file, format, givenAs, remove }: Dataset): Provision['dataset'] {
  return { ...(file !== undefined && { file }), format, givenAs, remove }
}
