import type { Writable } from 'node:stream'

/**
 * Takes bytes, one call at a time. Once the promise settles, the caller may reuse the chunk's
 * memory.
 */
export type Sink = (chunk: Buffer) => Promise<void>

/**
 * A sink that writes to the stream. Each call resolves once the stream no longer needs the chunk's
 * memory, and rejects if the stream fails or is closed before that.
 */
export function sinkOf(stream: Writable): Sink {
  let rejectWrite = () => {}
  // Closed while it waits behind others on its connection, a response never calls a write's
  // callback.
  stream.once('close', () => rejectWrite())
  return (chunk) =>
    new Promise((resolve, reject) => {
      rejectWrite = () => reject(new Error('the stream was closed before the chunk was written'))
      if (stream.closed || stream.destroyed) rejectWrite()
      else stream.write(chunk, (error) => (error ? reject(error) : resolve()))
    })
}
