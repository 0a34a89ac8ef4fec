import type { BytePath } from '../scan/byte-path.ts'
import { mostAgain } from './choose.ts'

/** More change again and again in no job that is in its right mind. */
const mostPaths = 10_000

/** How often files were sent again while the worker ran, in bounded memory. */
export class Attempts {
  readonly #counts = new Map<BytePath, number>()

  of(path: BytePath): number {
    return this.#counts.get(path) ?? 0
  }

  /** It isn't sent again while the worker runs. */
  exhaust(path: BytePath): void {
    if (this.#counts.has(path) || this.#counts.size < mostPaths) this.#counts.set(path, mostAgain)
  }

  /** Counts one more; false where there are too many paths already. */
  note(path: BytePath): boolean {
    const has = this.#counts.has(path) || this.#counts.size < mostPaths
    if (has) this.#counts.set(path, this.of(path) + 1)
    return has
  }
}
