import type { KubernetesObject } from '../api/objects.ts'

/** The newest ones only. */
const remembered = 1000

/** UIDs of deleted objects, since an older answer may come in late. */
export class DeletedObjects {
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
