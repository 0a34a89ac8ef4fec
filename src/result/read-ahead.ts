import type { Entry } from '../artifact/entry.ts'
import { relayFromBytes } from '../artifact/relay.ts'
import { inMemory } from './entry-bytes.ts'
import { isReadable, type ReadableFile } from './readable-file.ts'

/** Files up to this size are read whole, some at once: one request each is what they cost. */
const smallBytes = 64 * 1024
/** What a larger one takes whose answer is open and waits for its turn: two chunks, and one each in stream and connection. */
const openBytes = 256 * 1024
/** So much lies ready behind what is being sent; slow readers hold it for as long as they like. */
const readyBytes = 1024 * 1024
/** So many entries are looked at for that. */
const entriesAhead = 32

/** An entry, and its bytes where it is a file that is to be read: they come once, to their end or a failure. */
export interface Begun {
  entry: Entry
  bytes?: AsyncIterable<Buffer>
}

/**
 * The entries in their order, reading of the next ones having begun: small files are in memory, of larger ones the
 * store's answers are open. Whoever leaves early has them closed.
 */
export async function* readAhead(
  entries: AsyncIterable<Entry>,
  read: (file: ReadableFile) => AsyncIterable<Buffer>,
): AsyncGenerator<Begun, void> {
  const queue: Waiting[] = []
  let ready = 0
  let current: Reading | undefined
  const begin = () => {
    for (const waiting of queue) {
      if (waiting.reading !== undefined || !isReadable(waiting.entry)) continue
      const cost = costOf(waiting.entry)
      if (ready + cost > readyBytes) return
      ready += cost
      const bytes = read(waiting.entry)
      waiting.reading = waiting.entry.size <= smallBytes ? held(waiting.entry, bytes) : opened(bytes)
    }
  }
  const take = (): Begun | undefined => {
    const next = queue.shift()
    current = next?.reading
    if (next?.reading === undefined) return next && { entry: next.entry }
    ready -= costOf(next.entry)
    begin()
    return { entry: next.entry, bytes: next.reading.bytes() }
  }
  try {
    for await (const entry of entries) {
      queue.push({ entry })
      begin()
      if (queue.length > entriesAhead) yield* present(take())
    }
    while (queue.length > 0) yield* present(take())
  } finally {
    // Of the one that was given last nobody may have asked for any bytes.
    for (const reading of [current, ...queue.map((waiting) => waiting.reading)]) reading?.close()
  }
}

interface Waiting {
  entry: Entry
  reading?: Reading
}

interface Reading {
  bytes(): AsyncGenerator<Buffer, void>
  close(): void
}

function costOf({ size = 0 }: Entry): number {
  if (size <= smallBytes) return size
  // With the one that is being sent two of relayBytes: no more are open at once.
  return size < relayFromBytes ? openBytes : readyBytes
}

function* present<T>(value: T | undefined): Generator<T, void> {
  if (value !== undefined) yield value
}

function held({ size }: ReadableFile, source: AsyncIterable<Buffer>): Reading {
  const content = inMemory(source, size)
  // Whoever awaits it hears of its failure; nobody does once the archive was given up.
  content.catch(() => {})
  return {
    async *bytes() {
      yield await content
    },
    close: () => {},
  }
}

/** The first chunk is asked for at once, the others when it is their turn. */
function opened(source: AsyncIterable<Buffer>): Reading {
  const iterator = source[Symbol.asyncIterator]()
  const first = iterator.next()
  first.catch(() => {})
  const end = async () => {
    await iterator.return?.()
  }
  return {
    async *bytes() {
      try {
        for (let next = await first; next.done !== true; next = await iterator.next()) yield next.value
      } finally {
        await end()
      }
    },
    close: () => void end().catch(() => {}),
  }
}
