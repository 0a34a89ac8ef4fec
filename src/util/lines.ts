/**
 * Bound of a line: input without line ends must not fill the memory. Paths and errors are short.
 */
const maxLineBytes = 4 * 1024 * 1024

const newline = 0x0a

/** The input does not end with a line end, or has a line of more than 4 MiB. */
export class BrokenLines extends Error {
  override name = 'BrokenLines'
}

/**
 * The lines of UTF-8 text, without line ends: one batch of at least one line for each chunk with a
 * line end. Rejects with BrokenLines.
 */
export async function* lineBatches(source: AsyncIterable<Uint8Array>): AsyncGenerator<string[], void> {
  let rest: Buffer[] = []
  let restBytes = 0
  for await (const bytes of source) {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const end = chunk.lastIndexOf(newline)
    if (end === -1) {
      restBytes += chunk.length
      if (restBytes > maxLineBytes) throw new BrokenLines(`a line of more than ${maxLineBytes} bytes`)
      rest.push(chunk)
      continue
    }
    const whole = chunk.subarray(0, end)
    const text = rest.length === 0 ? whole : Buffer.concat([...rest, whole])
    rest = end + 1 < chunk.length ? [chunk.subarray(end + 1)] : []
    restBytes = chunk.length - end - 1
    yield text.toString('utf8').split('\n')
  }
  if (restBytes > 0) throw new BrokenLines('the last line is cut short')
}

/** The items of all batches, one after the other. */
export async function* flatten<T>(batches: AsyncIterable<readonly T[]>): AsyncGenerator<T, void> {
  for await (const batch of batches) yield* batch
}

export const chunkLength = 64 * 1024
