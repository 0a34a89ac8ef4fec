import type { Entry } from '../types.ts'

/** The bytes of an entry's path. */
export function entryPathBytes({ path, path_base64 }: Pick<Entry, 'path' | 'path_base64'>): Buffer {
  return path_base64 === undefined ? Buffer.from(path ?? '') : Buffer.from(path_base64, 'base64')
}

/** The bytes of a link's target. */
export function entryTargetBytes({ target, target_base64 }: Entry): Buffer {
  return target_base64 === undefined ? Buffer.from(target ?? '') : Buffer.from(target_base64, 'base64')
}

/** A path in a query, percent-encoded by its bytes. */
export function queryValue(path: Uint8Array): string {
  return Array.from(path, (byte) => {
    const character = String.fromCharCode(byte)
    const isPlain = /[A-Za-z0-9._~/-]/.test(character)
    return isPlain ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }).join('')
}
