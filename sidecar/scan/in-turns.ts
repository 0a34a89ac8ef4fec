import { setImmediate as nextTurn } from 'node:timers/promises'

/** A walk is synchronous: between two turns signals, requests and uploads in flight are served. */
const itemsPerTurn = 64

/** The items, with a turn of the event loop for others after each 64 of them. */
export async function* inTurns<T>(items: Iterable<T>): AsyncGenerator<T, void> {
  let seen = 0
  for (const item of items) {
    yield item
    seen += 1
    if (seen % itemsPerTurn === 0) await nextTurn()
  }
}
