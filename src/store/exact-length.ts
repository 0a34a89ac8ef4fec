import { Readable } from 'node:stream'
import { StoreError } from './store.ts'

/**
 * The source's bytes as a stream of exactly `length` bytes. If the source fails, the stream is
 * destroyed with the error that `onFailure` returns; if the source ends early, with StoreError
 * `unavailable`; if it has more bytes, with StoreError `corrupt`. Destroying the stream destroys
 * the source.
 */
export function exactLength(
  source: Readable,
  length: number,
  what: string,
  onFailure: (error: unknown) => Error,
): Readable {
  let left = length
  const stream = new Readable({
    // The source buffers already; a second buffer for each of fifty slow readers would take
    // megabytes.
    highWaterMark: 1,
    read() {
      source.resume()
    },
    destroy(error, callback) {
      source.destroy()
      callback(error)
    },
  })
  source.on('data', (chunk: Buffer) => {
    left -= chunk.byteLength
    if (left < 0)
      stream.destroy(new StoreError('corrupt', `${what}: more bytes than the announced ${length}`))
    else if (!stream.push(chunk)) source.pause()
  })
  source.on('error', (error) => stream.destroy(onFailure(error)))
  source.once('end', finish)
  // A source that is destroyed without an error emits only `close`; the reader would wait for ever.
  source.once('close', finish)
  source.pause()
  return stream

  function finish(): void {
    source.off('close', finish)
    if (left === 0) stream.push(null)
    else if (!stream.destroyed) {
      stream.destroy(new StoreError('unavailable', `${what}: cut off ${left} bytes before its end`))
    }
  }
}
