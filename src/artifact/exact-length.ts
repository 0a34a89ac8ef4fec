import { Readable } from 'node:stream'
import { StoreError } from './store.ts'

/**
 * The source's bytes as a stream of exactly `length` bytes: it is destroyed with `onFailure`'s error where the
 * source fails, with StoreError `unavailable` where it ends early and `corrupt` where it goes on. Destroying it
 * destroys the source.
 */
export function exactLength(
  source: Readable,
  length: number,
  what: string,
  onFailure: (error: unknown) => Error,
): Readable {
  let left = length
  const stream = new Readable({
    // The source has a buffer of its own: with fifty slow readers a second one is megabytes.
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
  // Destroyed from elsewhere without an error: without this the reader would wait for ever.
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
