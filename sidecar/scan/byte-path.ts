/**
 * A path or a name whose characters are its bytes (latin1). Any byte string is a legal name on
 * Linux; in this form it sorts by its bytes, compares with `===` and takes a fraction of a Buffer's
 * memory.
 */
export type BytePath = string

export function toBytes(path: BytePath): Buffer {
  return Buffer.from(path, 'latin1')
}

export function toBytePath(bytes: Uint8Array): BytePath {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

export function joinPath(directory: BytePath, name: BytePath): BytePath {
  return directory === '' ? name : `${directory}/${name}`
}

/**
 * Sorted by their bytes, each once: readdir(3) may give a name twice that was replaced meanwhile,
 * and a path that comes twice would count as out of order.
 */
export function sortedNames(names: readonly BytePath[]): BytePath[] {
  return [...new Set(names)].sort()
}
