import { createHmac } from 'node:crypto'
import type { ReadAccess } from '../../read-access.ts'

export interface ReadersSettings {
  /** The store's endpoint for the API. */
  endpoint: string
  /** The store's endpoint for readers. */
  publicEndpoint: string
  bucket: string
  region: string
  prefix: string
  accessKey: string
  secretKey: string
  /** Certificates in PEM; with them, no others are accepted from the store and its STS. */
  ca?: string | undefined
  /**
   * `access-key`: the key of a MinIO service account, which can be revoked. `session`: AssumeRole
   * (AWS, MinIO, Ceph), whose credentials include a session token and only end when they expire.
   */
  readerCredentials: 'access-key' | 'session'
  /** Endpoint of AssumeRole; default: the store's `endpoint`. */
  stsEndpoint?: string | undefined
  /** AWS requires a role; MinIO ignores it. */
  stsRoleArn?: string | undefined
}

/** Issues and revokes credentials of one kind. */
export interface Issuer {
  issue(
    id: string,
    policy: string,
    seconds: number,
  ): Promise<Pick<ReadAccess, 'accessKeyId' | 'secretAccessKey' | 'sessionToken' | 'expiresAt'>>
  revoke(id: string): Promise<void>
}

/** 32 bytes, derived from the secret and `what` only, that reveal nothing of the secret. */
export function derived(secret: string, what: string): Buffer {
  return createHmac('sha256', secret).update(`jobferry ${what}`).digest()
}
