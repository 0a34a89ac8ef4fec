import { createHash } from 'node:crypto'
import { decodeUtf8 } from './entry.ts'

const maxKeyBytes = 900
const packsFolder = '~packs/'
const linksFolder = '~links/'
const maxComponentBytes = 255

/**
 * A file's key in `files/`: its path if every store can hold that name, else `~` and its SHA-256.
 */
export function fileKey(path: Uint8Array): string {
  const text = path.length <= maxKeyBytes ? decodeUtf8(path) : undefined
  if (text !== undefined && isSafe(text)) return text
  return hashedKey(path)
}

/**
 * Keys for a new version of a file, none of them in `taken`, whose objects must keep their bytes.
 * `hashed` is the first free one of `~<hash>`, `~<hash>.1`, `~<hash>.2`, …, for a store that
 * refuses `key`. `key` is fileKey() if that is free, else `hashed`.
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
 * The key of a pack, a tar of small files; it differs from every file's key. `program` identifies
 * one pass of one uploader, so that no pack is ever overwritten: checkpoints refer to the files in
 * it.
 */
export function packKey(program: string, number: number): string {
  return `${packsFolder}${program}-${String(number).padStart(6, '0')}.tar`
}

/**
 * The key of a file with several hard links, whose entries share the object; as packKey(), no other
 * version of a file ever gets it.
 */
export function linkKey(program: string, number: number): string {
  return `${linksFolder}${program}-${String(number).padStart(6, '0')}`
}

/** True for the keys of linkKey() and packKey(): entries of several paths may name them. */
export function isNeverReused(key: string): boolean {
  return key.startsWith(linksFolder) || key.startsWith(packsFolder)
}

function hashedKey(path: Uint8Array): string {
  return `~${createHash('sha256').update(path).digest('hex')}`
}

/** Control characters, and U+FFFE and U+FFFF, which S3's XML listings cannot contain. */
const uncarriable = /[\p{Cc}\uFFFE\uFFFF]/u
const dotsAndSpaces = /^[. ]*$/
/**
 * MinIO lists such a name under another one or not at all
 * (docs/decisions/result-format/003-keys-of-result-files.md).
 */
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
