import type { KubernetesObject } from './objects.ts'

/** So many are remembered. */
const remembered = 1000

/** Objects that were deleted, in case an answer that is older comes in late. */
export class Deletions {
  readonly #uids = new Set<string>()

  has({ metadata }: KubernetesObject): boolean {
    return this.#uids.has(metadata?.uid ?? '')
  }

  add({ metadata }: KubernetesObject): void {
    this.#uids.add(metadata?.uid ?? '')
    const [oldest] = this.#uids
    if (this.#uids.size > remembered && oldest !== undefined) this.#uids.delete(oldest)
  }

  clear(): void {
    this.#uids.clear()
  }
}
