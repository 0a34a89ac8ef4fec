import { createHash } from 'node:crypto'
import { decodeUtf8 } from './entry.ts'

const maxKeyBytes = 900
const maxComponentBytes = 255

/** Where a file's bytes lie below its folder: its path where every store holds that name, else `~` and a hash of it. */
export function fileKey(path: Uint8Array): string {
  const text = path.length <= maxKeyBytes ? decodeUtf8(path) : undefined
  if (text !== undefined && isSafe(text)) return text
  return `~${createHash('sha256').update(path).digest('hex')}`
}

/** Noncharacters as well as controls: a listing in S3's XML can't carry U+FFFE and U+FFFF. */
const uncarriable = /[\p{Cc}\uFFFE\uFFFF]/u
const dotsAndSpaces = /^[. ]*$/
/** MinIO's own mark of a folder: it stores such a name and lists it as another, or not at all (tried). */
const minioFolderMark = '__XLDIR__'

function isSafe(path: string): boolean {
  if (path.startsWith('~') || uncarriable.test(path)) return false
  return path
    .split('/')
    .every(
      (name) =>
        !dotsAndSpaces.test(name) &&
        !name.endsWith(minioFolderMark) &&
        Buffer.byteLength(name) <= maxComponentBytes,
    )
}
