import { type Clock, longestTimer, systemClock } from './clock.ts'

/**
 * Runs each key's task when it is due. One timer serves all keys, so that each of thousands of jobs
 * costs only an entry. Setting a key again replaces its task.
 */
export class Scheduler {
  readonly #entries = new Map<string, Entry>()
  /**
   * A binary heap by time. Replaced and removed entries stay until due, or until they outnumber the
   * rest.
   */
  #heap: Entry[] = []
  readonly #running = new Set<Promise<unknown>>()
  readonly #clock: Clock
  #cancelTimer = () => {}
  #closed = false

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  /** `at` is in milliseconds since the epoch. `run` must neither throw nor reject. */
  set(key: string, at: number, run: Task): void {
    if (this.#closed) return
    const entry = { key, at, run }
    this.#entries.set(key, entry)
    if (this.#heap.length > 2 * this.#entries.size + 64) this.#compact()
    else push(this.#heap, entry)
    if (this.#heap[0] === entry) this.#arm()
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /** Number of entries in the heap, replaced ones included. */
  get size(): number {
    return this.#heap.length
  }

  /** Starts no further task; resolves once the running tasks have ended. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTimer()
    this.#entries.clear()
    await Promise.all(this.#running)
  }

  /** Removes replaced entries: times may be a year ahead, and they would accumulate until then. */
  #compact(): void {
    // A sorted array is a valid heap.
    this.#heap = [...this.#entries.values()].sort((a, b) => a.at - b.at)
  }

  #arm(): void {
    this.#cancelTimer()
    const first = this.#heap[0]
    if (!first || this.#closed) return
    const delay = Math.min(Math.max(0, first.at - this.#clock.now()), longestTimer)
    this.#cancelTimer = this.#clock.setTimeout(() => this.#runDue(), delay)
  }

  #runDue(): void {
    const now = this.#clock.now()
    for (let first = this.#heap[0]; first && first.at <= now; first = this.#heap[0]) {
      pop(this.#heap)
      if (this.#entries.get(first.key) !== first) continue
      this.#entries.delete(first.key)
      this.#run(first.run)
    }
    this.#arm()
  }

  #run(task: Task): void {
    const running = task()
    if (!(running instanceof Promise)) return
    this.#running.add(running)
    void running.finally(() => this.#running.delete(running))
  }
}

/** Runs until the promise that it returns, if any, is settled. */
type Task = () => unknown

interface Entry {
  key: string
  at: number
  run: Task
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.push(entry) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (before(heap, parent, at)) return
    swap(heap, parent, at)
    at = parent
  }
}

function pop(heap: Entry[]): void {
  const last = heap.pop()
  if (!last || heap.length === 0) return
  heap[0] = last
  for (let at = 0; ; ) {
    const left = 2 * at + 1
    if (left >= heap.length) return
    const child = left + 1 < heap.length && before(heap, left + 1, left) ? left + 1 : left
    if (before(heap, at, child)) return
    swap(heap, at, child)
    at = child
  }
}

function before(heap: Entry[], a: number, b: number): boolean {
  return (heap[a]?.at ?? 0) <= (heap[b]?.at ?? 0)
}

function swap(heap: Entry[], a: number, b: number): void {
  const x = heap[a]
  const y = heap[b]
  if (!x || !y) return
  heap[a] = y
  heap[b] = x
}
