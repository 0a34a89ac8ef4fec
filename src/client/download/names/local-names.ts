import { isUtf8 } from 'node:buffer'
import { joined, type NameRules, safeNames } from './safe-path.ts'

export interface NamingRules extends NameRules {
  /** The folder's disk takes `A` and `a` for one name. */
  caseless: boolean
}

/**
 * Gives each path of a result its place in a folder. Where a disk takes two paths for one, the
 * later one gets a number.
 */
export class LocalNames {
  readonly #rules: NamingRules
  readonly #taken = new Map<string, string>()

  constructor(rules: NamingRules) {
    this.#rules = rules
  }

  /** The place of a path, relative to the folder, and whether it is another name than its own. */
  place(path: Uint8Array): { place: Buffer; renamed: boolean } {
    const names = safeNames(path, this.#rules)
    const safe = joined(names)
    if (!this.#rules.caseless) return { place: safe, renamed: !safe.equals(path) }
    let place = safe
    const own = Buffer.from(path).toString('latin1')
    for (let number = 2; (this.#taken.get(folded(place)) ?? own) !== own; number++) {
      place = Buffer.concat([safe, Buffer.from(`~${number}`)])
    }
    this.#taken.set(folded(place), own)
    return { place, renamed: !place.equals(path) }
  }
}

function folded(place: Buffer): string {
  if (!isUtf8(place)) return place.toString('latin1')
  return place.toString().normalize('NFC').toLowerCase()
}
