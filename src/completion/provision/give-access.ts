import { layout } from '../../artifact/layout.ts'
import type { ObjectReaders } from '../../artifact/s3-readers.ts'
import { Problem } from '../../errors.ts'
import type { OwnObjects } from '../../result/own-object.ts'
import { datasetUrl } from '../datasets/dataset-address.ts'
import type { Grants } from '../grants/grants.ts'
import { amazonS3, type DataAddress, httpData } from './data-address.ts'
import type { Provision } from './stored-provision.ts'

export interface AccessParts {
  grants: Grants
  /** Of files that lie in the store as objects of their own. */
  objects: OwnObjects
  /** Undefined where the store is no S3. */
  readers: ObjectReaders | undefined
  publicUrl: string | undefined
  /** How long credentials for S3 last. */
  seconds: number
}

export interface GivenAddress {
  address: DataAddress
  /** Unique for each transfer. */
  resourceName: string
}

/**
 * The address of what was provisioned, with secrets made for it alone. Rejects with Problem: `not-found`,
 * `not-a-readable-file` and what LocateResult rejects with where the job has no such result.
 */
export async function giveAccess(parts: AccessParts, provision: Provision): Promise<GivenAddress> {
  const { id, uuid, own, dataset } = provision
  const { file, givenAs } = dataset
  const resourceName = `jobferry-${id}`
  if (givenAs === 's3') {
    if (!parts.readers || file === undefined) throw new Problem('unavailable', needs(dataset, parts) ?? '')
    const key = await parts.objects.keyOf(uuid, Buffer.from(file), `given/${id}`)
    const address = amazonS3(await parts.readers.allow(id, key, parts.seconds))
    // Connectors before 0.5.2 read the object that is called so: what they are told as keyName is replaced by it.
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

/** Why data can't be given so as things are set up; undefined where it can. */
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

/** All that was given ends; what the store can't end goes with its time or its object. */
export async function revokeAccess(
  { grants, readers, objects }: Pick<AccessParts, 'grants' | 'readers' | 'objects'>,
  { id, uuid, dataset }: Provision,
): Promise<void> {
  await grants.revoke(grantId(id))
  if (dataset.givenAs !== 's3') return
  await readers?.revoke(id)
  await objects.remove(`${layout.job(uuid)}given/${id}`)
}

function grantId(id: string): string {
  return `edc-${id}`
}
