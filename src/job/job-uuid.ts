import { createHash, randomUUID } from 'node:crypto'

/**
 * A job's uuid. With an Idempotency-Key it is the UUIDv8 (RFC 9562, section 5.8) of the first 16
 * bytes of the SHA-256 of `<namespace> NUL <key>` in UTF-8 with the version and variant bits set,
 * so that a key always gives the same uuid. Without a key it is random (UUIDv4).
 */
export function jobUuid(namespace: string, key?: string): string {
  if (key === undefined) return randomUUID()
  const bytes = createHash('sha256').update(`${namespace}\0${key}`).digest().subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** True if the text has the form of a job's uuid, in lower case as in all keys and names. */
export function isJobUuid(text: string): boolean {
  return uuid.test(text)
}
