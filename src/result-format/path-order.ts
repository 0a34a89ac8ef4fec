import { pathBytes } from './entry.ts'

interface Pathed {
  path?: string
  path_base64?: string
}

/** Compares the paths' bytes: negative, zero or positive. Two text paths need no buffers. */
export function comparePaths(a: Pathed, b: Pathed): number {
  if (a.path === undefined || b.path === undefined) return Buffer.compare(pathBytes(a), pathBytes(b))
  return compareAsUtf8(a.path, b.path)
}

/** The smallest byte string after all that begin with `prefix`; undefined if none exists. */
export function behindPrefix(prefix: Uint8Array): Buffer | undefined {
  let end = prefix.length
  while (end > 0 && prefix[end - 1] === 0xff) end -= 1
  if (end === 0) return undefined
  const bound = Buffer.from(prefix.subarray(0, end))
  bound[end - 1] = (bound[end - 1] ?? 0) + 1
  return bound
}

function compareAsUtf8(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  for (let i = 0; i < shorter; i += 1) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

/**
 * UTF-16 orders surrogates before U+E000 to U+FFFF; UTF-8 orders the characters of surrogate pairs
 * after them.
 */
function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000
}
