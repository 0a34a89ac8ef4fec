import { crc32 } from 'node:zlib'

/** The CRC32 as S3 writes it: base64 of its four bytes, big-endian. */
export function crc32Base64(bytes: Uint8Array): string {
  return base64OfCrc32(crc32(bytes))
}

/** As crc32Base64(), of a sum that zlib's crc32() made piece by piece. */
export function base64OfCrc32(sum: number): string {
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(sum)
  return checksum.toString('base64')
}
