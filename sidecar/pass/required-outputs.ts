import { type Entry, pathBytes } from '../../src/result-format/entry.ts'
import type { MissingOutputs } from '../../src/result-format/manifest/manifest.ts'
import { type Glob, globOf } from '../scan/glob.ts'

/** Bounds the manifest's head, which readers expect within 4 KiB. */
const namedBytes = 1000

/** Which of the required patterns the entries of one pass have not matched yet. */
export class RequiredOutputs {
  readonly #open: Map<string, Glob>

  constructor(patterns: readonly string[] = []) {
    this.#open = new Map(patterns.map((pattern) => [pattern, globOf(pattern)]))
  }

  /** An entry with its bytes in the store, or a folder or link, fulfils each pattern that it matches. */
  see(entry: Entry): void {
    if (this.#open.size === 0 || entry.type === 'skipped' || entry.error !== undefined) return
    const path = pathBytes(entry).toString('utf8')
    for (const [pattern, matches] of this.#open) {
      if (matches(path, entry.type === 'directory') || isBelow(path, matches)) this.#open.delete(pattern)
    }
  }

  /** Undefined if all were seen. */
  get missing(): MissingOutputs | undefined {
    if (this.#open.size === 0) return undefined
    const names: string[] = []
    let bytes = 0
    for (const pattern of this.#open.keys()) {
      bytes += Buffer.byteLength(JSON.stringify(pattern))
      if (bytes <= namedBytes) names.push(pattern)
    }
    return { count: this.#open.size, names }
  }
}

/** The folders above may be no entries: `include` need not match them. */
function isBelow(path: string, matches: Glob): boolean {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    if (matches(path.slice(0, slash), true)) return true
  }
  return false
}
