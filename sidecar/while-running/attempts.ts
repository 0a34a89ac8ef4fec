import type { BytePath } from '../scan/byte-path.ts'
import { mostAgain } from './select-settled-files.ts'

/** Bounds the memory; no ordinary job changes more files again and again. */
const mostPaths = 10_000

/** How often each file was sent again while the worker ran. */
export class Attempts {
  readonly #counts = new Map<BytePath, number>()

  of(path: BytePath): number {
    return this.#counts.get(path) ?? 0
  }

  /** The file is not sent again while the worker runs. */
  exhaust(path: BytePath): void {
    if (this.#counts.has(path) || this.#counts.size < mostPaths) this.#counts.set(path, mostAgain)
  }

  /** Counts one attempt more; false if there are too many paths already. */
  note(path: BytePath): boolean {
    const has = this.#counts.has(path) || this.#counts.size < mostPaths
    if (has) this.#counts.set(path, this.of(path) + 1)
    return has
  }
}
