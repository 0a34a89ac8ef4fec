import type { Writable } from 'node:stream'

/**
 * Writes chunks to a stream one by one: each call resolves once the stream needs the chunk's memory no more. Rejects
 * where it can't take it, also when it is closed meanwhile.
 */
export function writerTo(stream: Writable): (chunk: Buffer) => Promise<void> {
  let giveUp = () => {}
  // An answer on a connection where others come first isn't told of what it could not write.
  stream.once('close', () => giveUp())
  return (chunk) =>
    new Promise((resolve, reject) => {
      giveUp = () => reject(new Error('what is written to was closed'))
      if (stream.closed || stream.destroyed) giveUp()
      else stream.write(chunk, (error) => (error ? reject(error) : resolve()))
    })
}
