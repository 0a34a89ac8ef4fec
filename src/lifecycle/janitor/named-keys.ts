import { createHash } from 'node:crypto'
import type { Manifest } from '../../result-format/manifest/manifest-reader.ts'

/**
 * The keys that a manifest names, as hashes of eight bytes: as strings a million would take a
 * hundred megabytes. If two keys have the same hash, an object is kept that could be removed.
 */
export class NamedKeys {
  readonly #hashes: BigUint64Array

  private constructor(hashes: BigUint64Array) {
    this.#hashes = hashes.sort()
  }

  /** Rejects with StoreError and, if the manifest isn't whole, DamagedManifest. */
  static async of(manifest: Manifest): Promise<NamedKeys> {
    const hashes = new BigUint64Array(manifest.head.count)
    let count = 0
    for await (const { key } of manifest.entries()) {
      if (key !== undefined) hashes[count++] = hashOf(key)
    }
    return new NamedKeys(hashes.subarray(0, count))
  }

  has(key: string): boolean {
    const wanted = hashOf(key)
    let [low, high] = [0, this.#hashes.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#hashes[middle] ?? 0n) < wanted) low = middle + 1
      else high = middle
    }
    return this.#hashes[low] === wanted
  }
}

function hashOf(key: string): bigint {
  return createHash('sha256').update(key).digest().readBigUInt64LE(0)
}
