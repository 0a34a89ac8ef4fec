import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { codeOf } from '../../util/error-code.ts'
import { defined } from '../../util/objects.ts'
import { exactLength } from '../exact-length.ts'
import { type GetOptions, type ObjectBody, StoreError } from '../store.ts'
import { storeError } from './folder-errors.ts'
import { headOf } from './folder-files.ts'

/** ArtifactStore.get for a file, from one descriptor: a replacement meanwhile has no effect. */
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

/**
 * First byte and number of bytes of a read, cut to the object's end as S3 does. Throws StoreError
 * `invalid` if the read begins after the object's end.
 */
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

/**
 * True if the file is absent, below an object instead of a folder, or a symlink (never an object).
 */
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
    ...defined({ signal }),
  })
  return exactLength(source, length, key, (error) =>
    signal?.aborted ? signal.reason : storeError(key, error),
  )
}
