import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { codeOf } from './error-code.ts'
import { exactLength } from './exact-length.ts'
import { storeError } from './folder-errors.ts'
import { headOf } from './folder-files.ts'
import { type GetOptions, type ObjectBody, StoreError } from './store.ts'

/** ArtifactStore.get for the file at `path`: all from one descriptor, so that a replacement meanwhile doesn't show. */
export async function getFile(path: string, key: string, options: GetOptions): Promise<ObjectBody> {
  const handle = await openObject(path, key)
  try {
    const head = headOf(await handle.stat({ bigint: true }))
    if (options.ifMatch !== undefined && options.ifMatch !== head.etag) {
      throw new StoreError('precondition-failed', `${key}: the ETag is ${head.etag}, not ${options.ifMatch}`)
    }
    const { start, length } = resolveRange(options, head.size, key)
    if (length === 0) {
      await handle.close()
      return { ...head, length, stream: Readable.from([]) }
    }
    return { ...head, length, stream: streamOf(handle, key, start, length, options.signal) }
  } catch (error) {
    await handle.close().catch(() => {})
    throw error
  }
}

/** First byte and number of bytes of a read, cut to the object's end as S3 does; `invalid` where it begins behind. */
export function resolveRange(
  { offset = 0, length }: Pick<GetOptions, 'offset' | 'length'>,
  size: number,
  key: string,
): { start: number; length: number } {
  if (offset < 0) {
    const last = Math.min(-offset, size)
    return { start: size - last, length: last }
  }
  const wholeOfNothing = offset === 0 && length === undefined
  const satisfiable = length === 0 ? offset <= size : offset < size || wholeOfNothing
  if (!satisfiable) throw new StoreError('invalid', `${key}: offset ${offset} lies behind its ${size} bytes`)
  return { start: offset, length: Math.min(length ?? Number.POSITIVE_INFINITY, size - offset) }
}

async function openObject(path: string, key: string): Promise<FileHandle> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    if ((await handle.stat()).isFile()) return handle
    await handle.close()
  } catch (error) {
    if (!isNoObject(error)) throw error
  }
  throw new StoreError('not-found', `${key}: no such object`)
}

/** No such file, or one of the key's folders is an object, or a link that this store can't have made. */
export function isNoObject(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP'
}

function streamOf(
  handle: FileHandle,
  key: string,
  start: number,
  length: number,
  signal?: AbortSignal,
): Readable {
  const source = handle.createReadStream({
    start,
    end: start + length - 1,
    highWaterMark: 256 * 1024,
    ...(signal === undefined ? {} : { signal }),
  })
  return exactLength(source, length, key, (error) =>
    signal?.aborted ? signal.reason : storeError(key, error),
  )
}
