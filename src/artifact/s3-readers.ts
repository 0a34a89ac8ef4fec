import { createHmac } from 'node:crypto'
import { Agent } from 'undici'
import { minioAccessKeys } from './s3-access-keys.ts'
import { assumedRoles } from './s3-session.ts'

export interface ReadersSettings {
  /** As the API reaches the store. */
  endpoint: string
  /** As readers reach it. */
  publicEndpoint: string
  bucket: string
  region: string
  prefix: string
  accessKey: string
  secretKey: string
  /**
   * `access-key`: a key of MinIO's own (service account), which is gone once it is revoked; `session`: AssumeRole
   * (AWS, MinIO, Ceph), whose credentials need their session token and end by time alone.
   */
  credentials: 'access-key' | 'session'
  /** Of AssumeRole; default: the store's own. */
  stsEndpoint?: string
  /** AWS wants one; MinIO passes over it. */
  roleArn?: string
}

/** How one object is read, until `expiresAt`. */
export interface ReadAccess {
  bucket: string
  /** With the prefix. */
  key: string
  region: string
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
  expiresAt: Date
}

/** Credentials for others that open one object of the store and nothing else. Rejects with StoreError. */
export interface ObjectReaders {
  /** The same `id` may get the same credentials. They last `seconds`, within what the store allows. */
  allow(id: string, key: string, seconds: number): Promise<ReadAccess>
  /** Ends what `id` got, where the store can do that; those of a session go on to their time. */
  revoke(id: string): Promise<void>
  close(): Promise<void>
}

/** Credentials of one kind. */
export interface Issuer {
  issue(
    id: string,
    policy: string,
    seconds: number,
  ): Promise<Pick<ReadAccess, 'accessKeyId' | 'secretAccessKey' | 'sessionToken' | 'expiresAt'>>
  revoke(id: string): Promise<void>
}

export function createObjectReaders(settings: ReadersSettings): ObjectReaders {
  const { bucket, region, publicEndpoint: endpoint } = settings
  const agent = new Agent({ allowH2: false, headersTimeout: 15_000, bodyTimeout: 15_000 })
  const issuer =
    settings.credentials === 'session' ? assumedRoles(settings, agent) : minioAccessKeys(settings, agent)
  const prefix = settings.prefix.replace(/^\/+|\/+$/g, '').replace(/.$/u, '$&/')
  return {
    async allow(id, key, seconds) {
      const full = prefix + key
      const issued = await issuer.issue(id, readPolicy(bucket, full), seconds)
      return { bucket, key: full, region, endpoint, ...issued }
    },
    revoke: (id) => issuer.revoke(id),
    close: () => agent.close(),
  }
}

/** Leave to get one object. What would be a pattern or a variable in a policy stands for any one character. */
export function readPolicy(bucket: string, key: string): string {
  const resource = `arn:aws:s3:::${bucket}/${key.replaceAll(/[*$]/g, '?')}`
  const statement = { Effect: 'Allow', Action: ['s3:GetObject'], Resource: [resource] }
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
}

/** A text that only who knows the secret can tell, always the same for the same `what`. */
export function derived(secret: string, what: string): Buffer {
  return createHmac('sha256', secret).update(`jobferry ${what}`).digest()
}
