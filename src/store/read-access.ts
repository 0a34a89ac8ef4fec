/** Issues credentials that allow reading one object of the store only. Rejects with StoreError. */
export interface ObjectReaders {
  /** The same `id` may get the same credentials. They last `seconds`, within the store's bounds. */
  allow(id: string, key: string, seconds: number): Promise<ReadAccess>
  /**
   * Revokes the credentials of `id`, if the store can; those of a session remain until they expire.
   */
  revoke(id: string): Promise<void>
  close(): Promise<void>
}

/** Location of one object for an S3 client, and the credentials to read it until `expiresAt`. */
export interface ReadAccess {
  bucket: string
  /** Includes the prefix. */
  key: string
  region: string
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
  expiresAt: Date
}
