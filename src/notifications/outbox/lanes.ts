import type { StoredMessage } from './stored-message.ts'

/** One lane's messages in memory. */
export interface Lane {
  name: string
  /** Keys of the lane's unsent messages, in order. */
  keys: string[]
  /** The first message, once it was read. */
  head: { key: string; stored: StoredMessage } | undefined
  busy: boolean
  /** True if the first message is sent now, without waiting for its next attempt. */
  hurried: boolean
  /** Failures of the store in a row. */
  failures: number
}

/** The unsent messages, by lane. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>()

  get(name: string): Lane | undefined {
    return this.#lanes.get(name)
  }

  all(): Iterable<Lane> {
    return this.#lanes.values()
  }

  /** Adds the key and returns its lane. */
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
      // The new key sorts before the message that was first.
      if (lane.head && lane.keys[0] !== lane.head.key && !lane.busy) lane.head = undefined
    }
    return lane
  }

  /** Removes a message that is finished. */
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
