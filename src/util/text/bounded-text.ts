/** The text of a stream in UTF-8; undefined if it has more than `most` bytes. Rejects as the stream does. */
export async function boundedText(stream: AsyncIterable<Buffer>, most: number): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    bytes += chunk.length
    if (bytes > most) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
