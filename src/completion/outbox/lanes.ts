import type { StoredMessage } from './stored-message.ts'

/** One lane's messages in memory. */
export interface Lane {
  name: string
  /** Keys of what is to be sent, in order. */
  keys: string[]
  /** The first one, where it was read. */
  head: { key: string; stored: StoredMessage } | undefined
  busy: boolean
  /** Whatever it waits for: it is sent now. */
  hurried: boolean
  /** How often in a row the store failed. */
  failures: number
}

/** Which messages there are, by lane. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>()

  get(name: string): Lane | undefined {
    return this.#lanes.get(name)
  }

  /** The lane, with the key in it. */
  put(name: string, key: string): Lane {
    const lane = this.#lanes.get(name) ?? {
      name,
      keys: [],
      head: undefined,
      busy: false,
      hurried: false,
      failures: 0,
    }
    this.#lanes.set(name, lane)
    if (!lane.keys.includes(key)) {
      lane.keys.push(key)
      lane.keys.sort()
      // Whatever came before the one that was first.
      if (lane.head && lane.keys[0] !== lane.head.key && !lane.busy) lane.head = undefined
    }
    return lane
  }

  /** That message is done. */
  drop(lane: Lane, key: string): void {
    lane.keys = lane.keys.filter((kept) => kept !== key)
    if (lane.head?.key === key) lane.head = undefined
    if (lane.keys.length === 0 && this.#lanes.get(lane.name) === lane) this.#lanes.delete(lane.name)
  }

  isCurrent(lane: Lane): boolean {
    return this.#lanes.get(lane.name) === lane
  }

  clear(): void {
    this.#lanes.clear()
  }
}
