import { jobKeys } from '../../result-format/job-keys.ts'
import type { OwnObjects } from '../../results/own-object.ts'
import type { ObjectReaders } from '../../store/read-access.ts'
import { Problem } from '../../util/errors.ts'
import { datasetUrl } from '../datasets/dataset-address.ts'
import type { Grants } from '../grants/grants.ts'
import { amazonS3, type EdcDataAddress, httpData } from './edc-data-address.ts'
import type { Provision } from './stored-provision.ts'

export interface AccessParts {
  grants: Grants
  /** Result files as objects of their own in the store. */
  objects: OwnObjects
  /** Undefined if the store is not S3. */
  readers: ObjectReaders | undefined
  publicUrl: string | undefined
  /** Lifetime of S3 credentials. */
  seconds: number
}

export interface GivenAddress {
  address: EdcDataAddress
  /** Unique for each transfer. */
  resourceName: string
}

/**
 * The data address of a provision, with secrets made for it alone. Rejects with Problem:
 * `not-found`, `not-a-readable-file`, and as LocateResult does if the job has no such result.
 */
export async function giveAccess(parts: AccessParts, provision: Provision): Promise<GivenAddress> {
  const { id, uuid, own, dataset } = provision
  const { file, givenAs } = dataset
  const resourceName = `jobferry-${id}`
  if (givenAs === 's3') {
    if (!parts.readers || file === undefined) throw new Problem('unavailable', needs(dataset, parts) ?? '')
    const key = await parts.objects.keyOf(uuid, Buffer.from(file), `given/${id}`)
    const address = amazonS3(await parts.readers.allow(id, key, parts.seconds))
    // Connectors before 0.5.2 replace keyName by this name and read the object of that name.
    const { properties } = address
    return { address, resourceName: own ? (properties[keyName] ?? resourceName) : resourceName }
  }
  const trouble = needs(dataset, parts)
  if (trouble !== undefined) throw new Problem('unavailable', trouble)
  await parts.objects.check(uuid, file === undefined ? undefined : Buffer.from(file))
  const { token } = await parts.grants.create({
    id: grantId(id),
    job: uuid,
    ...(file !== undefined && { files: [file] }),
  })
  return { address: httpData(datasetUrl(parts.publicUrl ?? '', uuid, dataset), token), resourceName }
}

const keyName = 'https://w3id.org/edc/v0.0.1/ns/keyName'

/** The setting that is missing to give access in this way; undefined if none is. */
export function needs(
  { givenAs }: Pick<Provision['dataset'], 'givenAs'>,
  { readers, publicUrl }: Pick<AccessParts, 'readers' | 'publicUrl'>,
): string | undefined {
  if (givenAs === 's3') {
    return readers ? undefined : 'given_as: s3 needs a store that is S3 (S3_ENDPOINT): this one is a folder'
  }
  return publicUrl === undefined
    ? 'PUBLIC_URL is not set, so connectors can not be told where the data is'
    : undefined
}

/**
 * Revokes all access; credentials that the store can't revoke end by their expiry or with their
 * object.
 */
export async function revokeAccess(
  { grants, readers, objects }: Pick<AccessParts, 'grants' | 'readers' | 'objects'>,
  { id, uuid, dataset }: Provision,
): Promise<void> {
  await grants.revoke(grantId(id))
  if (dataset.givenAs !== 's3') return
  await readers?.revoke(id)
  await objects.remove(`${jobKeys.job(uuid)}given/${id}`)
}

function grantId(id: string): string {
  return `edc-${id}`
}
