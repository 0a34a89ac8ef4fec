import { setTimeout as delay } from 'node:timers/promises'

export interface Beginning {
  /** At most some chunks more than were asked for; empty if nothing came in time. */
  first: Buffer
  /** True if the source has ended: `first` is all of it. */
  isWhole: boolean
  /** All bytes of the source, `first` included. */
  all: AsyncGenerator<Buffer, void>
}

/**
 * Reads until at least `bytes` are there, the source ends, or `milliseconds` have passed. Rejects
 * with the source's error.
 */
export async function readBeginning(
  source: AsyncIterable<Buffer>,
  bytes: number,
  milliseconds: number,
): Promise<Beginning> {
  const chunks = source[Symbol.asyncIterator]()
  const first: Buffer[] = []
  const timer = new AbortController()
  const late = delay(milliseconds, 'late' as const, { signal: timer.signal }).catch(() => 'late' as const)
  // Handled wherever `next` is awaited: a stream that fails before that must not end the process.
  const pull = () => {
    const next = chunks.next()
    next.catch(() => {})
    return next
  }
  let next = pull()
  let isWhole = false
  try {
    for (let length = 0; length < bytes; next = pull()) {
      const found = await Promise.race([next, late])
      isWhole = found !== 'late' && found.done === true
      if (found === 'late' || found.done === true) break
      first.push(found.value)
      length += found.value.length
    }
  } finally {
    timer.abort()
  }
  return { first: Buffer.concat(first), isWhole, all: resumed(first, chunks, next) }
}

async function* resumed(
  first: readonly Buffer[],
  chunks: AsyncIterator<Buffer>,
  next: Promise<IteratorResult<Buffer, unknown>>,
): AsyncGenerator<Buffer, void> {
  try {
    yield* first
    for (let found = await next; found.done !== true; found = await chunks.next()) yield found.value
  } finally {
    await chunks.return?.()
  }
}
