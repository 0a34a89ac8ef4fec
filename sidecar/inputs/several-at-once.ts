import { Semaphore } from '../../src/util/semaphore.ts'
import type { Patience } from '../repeat-until.ts'

/** In the order of the items. The first failure ends the others, and is thrown when all have ended. */
export async function severalAtOnce<Item>(
  items: readonly Item[],
  atOnce: number,
  patience: Patience,
  workOn: (item: Item, patience: Patience) => Promise<string>,
): Promise<string[]> {
  const slots = new Semaphore(atOnce)
  const stopped = new AbortController()
  const running = { ...patience, signal: AbortSignal.any([patience.signal, stopped.signal]) }
  const failures: unknown[] = []
  const results = items.map(async (item) => {
    const release = await slots.acquire()
    try {
      return failures.length > 0 ? '' : await workOn(item, running)
    } catch (error) {
      failures.push(error)
      stopped.abort()
      return ''
    } finally {
      release()
    }
  })
  const done = await Promise.all(results)
  if (failures.length > 0) throw failures[0]
  return done
}
