import { JobferryError } from '../errors.ts'
import { bodyOf } from '../http/body.ts'
import type { Transport } from '../http/transport.ts'
import { queryValue } from './entry-path.ts'

export interface FileBytes {
  id: string
  path: Uint8Array
  /** The file's SHA-256, by which the server tells one version from another. */
  sha256: string
  /** Of the whole file. */
  size: number
  /** First byte. */
  start: number
  /** Byte after the last one. */
  end: number
  soFar?: boolean | undefined
  signal?: AbortSignal | undefined
}

/** The address of a file of a result. */
export function filePath(id: string, path: Uint8Array, soFar = false): string {
  const more = soFar ? '&so_far=true' : ''
  return `/job/${encodeURIComponent(id)}/result?file=${queryValue(path)}${more}`
}

/**
 * Bytes `start` to `end` of a file, all of them: after a break it goes on with a range of the same
 * version. Rejects with JobferryError `damaged` if the server has another version by now.
 */
export async function* readBytes(
  transport: Transport,
  { id, path, sha256, size, start, end, soFar, signal }: FileBytes,
): AsyncGenerator<Uint8Array, void, undefined> {
  const retries = transport.retries(signal)
  const url = filePath(id, path, soFar)
  let position = start
  while (position < end) {
    // The server checks a whole file's digest while it sends it, but not a range's.
    const isWhole = position === 0 && end === size
    const headers = isWhole ? {} : { range: `bytes=${position}-${end - 1}`, 'if-range': `"${sha256}"` }
    try {
      const response = await transport.request(url, { headers, signal })
      const range = response.headers.get('content-range') ?? ''
      const isRight = isWhole ? response.status === 200 : range.startsWith(`bytes ${position}-${end - 1}/`)
      if (!isRight || response.headers.get('etag') !== `"${sha256}"`) {
        await response.body?.cancel()
        throw new JobferryError('damaged', `${url} is another file by now`, { status: response.status })
      }
      for await (const chunk of bodyOf(response, signal)) {
        retries.progressed()
        const wanted = chunk.subarray(0, end - position)
        position += wanted.length
        yield wanted
      }
      if (position < end) throw new JobferryError('interrupted', `${url} ended early`)
    } catch (error) {
      if (!(await retries.again(error))) throw error
    }
  }
}
