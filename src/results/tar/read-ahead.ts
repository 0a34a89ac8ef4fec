import type { Entry } from '../../result-format/entry.ts'
import { relayBytes, relayFromBytes } from '../../store/relay.ts'
import type { Sink } from '../../util/sink.ts'
import { isReadable, type ReadableFile } from '../serve/readable-file.ts'

/**
 * Files up to this size are read whole, several at once, as the request takes most of their time.
 */
export const readWholeBytes = 64 * 1024
/** Maximum of bytes read ahead of the file being sent; a slow reader can hold them for any time. */
const readyBytes = 1024 * 1024
/** Maximum of entries in the read-ahead queue. */
const entriesAhead = 32

export type SendFile = (file: ReadableFile, sink: Sink) => Promise<void>

/** An entry; `content` writes the bytes of a readable file and may be called once. */
export interface Member {
  entry: Entry
  content?: (sink: Sink) => Promise<void>
}

/**
 * Yields the entries in their order and begins to read the next ones: a small file is read into
 * memory, and the first chunk of a larger file waits for its sink. If the caller stops early, these
 * reads end.
 */
export async function* readAhead(
  entries: AsyncIterable<Entry>,
  send: SendFile,
): AsyncGenerator<Member, void> {
  const queue: { entry: Entry; read?: Read }[] = []
  let ready = 0
  const begin = () => {
    for (const next of queue) {
      if (next.read !== undefined || !isReadable(next.entry)) continue
      const cost = costOf(next.entry)
      if (ready + cost > readyBytes) return
      ready += cost
      next.read = next.entry.size <= readWholeBytes ? readWhole(next.entry, send) : openRead(next.entry, send)
    }
  }
  const take = function* (): Generator<Member, void> {
    const next = queue.shift()
    if (next === undefined) return
    const { entry, read } = next
    if (read === undefined) return yield { entry }
    ready -= costOf(entry)
    begin()
    try {
      yield { entry, content: read.content }
    } finally {
      read.close()
    }
  }
  try {
    for await (const entry of entries) {
      queue.push({ entry })
      begin()
      if (queue.length > entriesAhead) yield* take()
    }
    while (queue.length > 0) yield* take()
  } finally {
    for (const { read } of queue) read?.close()
  }
}

interface Read {
  content(sink: Sink): Promise<void>
  /** Ends the read if it waits for its sink. */
  close(): void
}

function costOf({ size = 0 }: Entry): number {
  return size < relayFromBytes ? size : relayBytes
}

function readWhole(file: ReadableFile, send: SendFile): Read {
  const bytes = Buffer.allocUnsafe(file.size)
  let filled = 0
  const done = send(file, async (chunk) => {
    filled += chunk.copy(bytes, filled)
  })
  // content() rejects with this error; it is not called if the archive is given up.
  done.catch(() => {})
  return {
    async content(sink) {
      await done
      await sink(bytes)
    },
    close: () => {},
  }
}

function openRead(file: ReadableFile, send: SendFile): Read {
  const turn = Promise.withResolvers<Sink>()
  turn.promise.catch(() => {})
  let hasSink = false
  const done = send(file, async (chunk) => (await turn.promise)(chunk))
  done.catch(() => {})
  return {
    async content(sink) {
      hasSink = true
      turn.resolve(sink)
      await done
    },
    close() {
      if (!hasSink) turn.reject(new Error('the archive was aborted'))
    },
  }
}
