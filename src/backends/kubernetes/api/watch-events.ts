import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Client } from './client.ts'
import type { KubernetesObject } from './objects.ts'
import { StatusError } from './status-error.ts'

/**
 * The API server ends a watch after that time, which reveals a connection that died without an
 * error: HTTP/1.1 has no ping, and bookmarks come only once a minute.
 */
export const watchSeconds = 20
/** A connection without a byte for longer is dead. */
const silenceMilliseconds = (watchSeconds + 5) * 1000

export interface WatchedEvent<T> {
  /** A bookmark brings a newer resourceVersion alone. */
  type: 'changed' | 'deleted' | 'bookmark'
  /** The newest state; of a deleted object the last one. */
  object: T
}

export interface WatchCall {
  /** The list's path. */
  path: string
  labelSelector: string
  /** Events after this version. */
  resourceVersion: string | undefined
  signal: AbortSignal
  /** Called when the API server has accepted the watch. */
  onOpen: () => void
}

/**
 * The events of one watch, until the API server ends it after 20 s. Throws what Client.stream does,
 * a StatusError if the API server reports an error, and an error after 25 s without a byte.
 */
export async function* watchEvents<T extends KubernetesObject>(
  client: Client,
  { path, labelSelector, resourceVersion, signal: closing, onOpen }: WatchCall,
): AsyncGenerator<WatchedEvent<T>> {
  const silence = new AbortController()
  const signal = AbortSignal.any([closing, silence.signal])
  const fallSilent = () => silence.abort(new Error(`no byte came for ${silenceMilliseconds / 1000} s`))
  const timer = setTimeout(fallSilent, silenceMilliseconds)
  try {
    const stream = await client.stream({
      method: 'GET',
      path,
      query: {
        watch: true,
        labelSelector,
        resourceVersion,
        allowWatchBookmarks: true,
        timeoutSeconds: watchSeconds,
      },
      endless: true,
      signal,
    })
    onOpen()
    for await (const line of linesOf(stream)) {
      timer.refresh()
      yield eventOf(JSON.parse(line))
    }
    signal.throwIfAborted()
  } finally {
    clearTimeout(timer)
  }
}

interface WireEvent<T> {
  type: string
  /** Of an ERROR a Status. */
  object: T & { code?: number; message?: string }
}

function eventOf<T>({ type, object }: WireEvent<T>): WatchedEvent<T> {
  if (type === 'ERROR') throw new StatusError(object.code ?? 500, object.message ?? 'the watch failed')
  if (type === 'BOOKMARK') return { type: 'bookmark', object }
  return { type: type === 'DELETED' ? 'deleted' : 'changed', object }
}

/** Readline hides errors of its input: this throws them. */
async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let failure: unknown
  stream.once('error', (error) => {
    failure = error
  })
  const lines = createInterface({ input: stream, crlfDelay: Infinity })
  try {
    yield* lines
  } finally {
    lines.close()
    stream.destroy()
  }
  if (failure !== undefined) throw failure
}
