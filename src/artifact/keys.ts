import { createHash } from 'node:crypto'
import { decodeUtf8 } from './entry.ts'

const maxKeyBytes = 900
const maxComponentBytes = 255

/** Where a file's bytes lie below its folder: its path where every store holds that name, else `~` and a hash of it. */
export function fileKey(path: Uint8Array): string {
  const text = path.length <= maxKeyBytes ? decodeUtf8(path) : undefined
  if (text !== undefined && isSafe(text)) return text
  return hashedKey(path)
}

/**
 * The keys for a further version of a file while those in `taken` must keep their bytes: fileKey() where it is free
 * and, for a store that refuses that name, the first free one of `~<hash>`, `~<hash>.1`, `~<hash>.2`, …
 */
export function freeKeys(path: Uint8Array, taken: readonly string[]): { key: string; hashed: string } {
  const isFree = (key: string) => !taken.includes(key)
  const base = hashedKey(path)
  let hashed = base
  for (let version = 1; !isFree(hashed); version += 1) hashed = `${base}.${version}`
  const key = fileKey(path)
  return { key: isFree(key) ? key : hashed, hashed }
}

/**
 * The key of a pack: a tar of small files. No file's key is like it. `program` is of one pass of one uploader, so that no
 * pack is ever written over: checkpoints name what lies in it.
 */
export function packKey(program: string, number: number): string {
  return `~packs/${program}-${String(number).padStart(6, '0')}.tar`
}

function hashedKey(path: Uint8Array): string {
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
