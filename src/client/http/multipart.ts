import { randomUUID } from 'node:crypto'
import type { InputFile } from '../types.ts'
import { streamOf } from './stream-of.ts'

/** A multipart/form-data body: the request first, so that a wrong one is refused before the files. */
export function multipart(request: string, inputs: readonly InputFile[]) {
  const boundary = `jobferry-${randomUUID()}`
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    /** `sent` is told how many bytes of the files have gone out. */
    body: (sent?: (bytes: number) => void): ReadableStream<Uint8Array> =>
      streamOf(parts(boundary, request, inputs, sent)),
  }
}

async function* parts(
  boundary: string,
  request: string,
  inputs: readonly InputFile[],
  sent: ((bytes: number) => void) | undefined,
): AsyncGenerator<Uint8Array> {
  const text = (part: string) => new TextEncoder().encode(part)
  yield text(`--${boundary}\r\nContent-Disposition: form-data; name="request"\r\n\r\n${request}\r\n`)
  for (const { name, open } of inputs) {
    const disposition = `form-data; name="input"; filename="${escaped(name)}"`
    yield text(
      `--${boundary}\r\nContent-Disposition: ${disposition}\r\nContent-Type: application/octet-stream\r\n\r\n`,
    )
    for await (const chunk of open()) {
      yield chunk
      sent?.(chunk.length)
    }
    yield text('\r\n')
  }
  yield text(`--${boundary}--\r\n`)
}

/** As browsers do (WHATWG HTML, "multipart/form-data"). */
function escaped(name: string): string {
  return name.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22')
}
