import { randomUUID } from 'node:crypto'
import { access, type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { base64OfCrc32, crc32Base64 } from '../crc32.ts'
import {
  type MultipartUpload,
  type ObjectHead,
  type Part,
  type PartBody,
  type StoredObject,
  StoreError,
  type WriteOptions,
} from '../store.ts'
import { headOf, openTemporary, publish, temporaryFolder, writeAt } from './folder-files.ts'
import { isNoObject } from './folder-get.ts'
import type { FolderRoot } from './folder-root.ts'

/** Uploads in parts: one file in the temporary folder, with every part at its final offset. */

export async function beginUpload(root: FolderRoot): Promise<string> {
  const id = `upload-${randomUUID()}`
  const handle = await openTemporary(root, id)
  await handle.close()
  return id
}

export async function writePart(
  root: FolderRoot,
  upload: MultipartUpload,
  number: number,
  body: PartBody,
): Promise<Part> {
  if (!Number.isInteger(number) || number < 1 || number > 10_000 || body.byteLength > upload.partSize) {
    throw new StoreError('invalid', `${upload.key}: part ${number} of ${body.byteLength} bytes`)
  }
  const handle = await openUpload(root, upload)
  try {
    const start = (number - 1) * upload.partSize
    const crc32 = await writeBody(handle, body, start)
    // A checkpoint may name this part: it must survive a power failure.
    await handle.datasync()
    return { number, etag: crc32, crc32, size: body.byteLength }
  } finally {
    await handle.close()
  }
}

/** Writes a part and returns the CRC32 of what was written. */
async function writeBody(handle: FileHandle, body: PartBody, start: number): Promise<string> {
  if (body instanceof Uint8Array) {
    await writeAt(handle, body, start)
    return crc32Base64(body)
  }
  let [sum, written] = [0, 0]
  for await (const piece of body.pieces()) {
    sum = crc32(piece, sum)
    await writeAt(handle, piece, start + written)
    written += piece.byteLength
  }
  const found = base64OfCrc32(sum)
  if (written === body.byteLength && found === body.crc32) return found
  throw new StoreError('corrupt', `a part has ${written} bytes with the CRC32 ${found}`)
}

export async function finishUpload(
  root: FolderRoot,
  upload: MultipartUpload,
  parts: readonly Part[],
  target: string,
  options?: WriteOptions,
): Promise<StoredObject> {
  checkParts(upload, parts)
  const finished = await finishedBefore(root, upload, parts, target)
  if (finished !== undefined) return { etag: finished.etag }
  const handle = await openUpload(root, upload)
  try {
    const size = parts.reduce((sum, part) => sum + part.size, 0)
    if ((await handle.stat()).size < size) {
      throw new StoreError('invalid', `${upload.key}: parts are missing of the ${size} bytes`)
    }
    await handle.truncate(size)
    const { etag } = await publish(root, handle, uploadPath(root, upload), target, options)
    return { etag }
  } finally {
    await handle.close()
  }
}

export async function dropUpload(
  root: FolderRoot,
  upload: Pick<MultipartUpload, 'key' | 'id'>,
): Promise<boolean> {
  try {
    await unlink(uploadPath(root, upload))
    return true
  } catch (error) {
    if (!isNoObject(error)) throw error
    return false
  }
}

async function finishedBefore(
  root: FolderRoot,
  upload: MultipartUpload,
  parts: readonly Part[],
  target: string,
) {
  try {
    await access(uploadPath(root, upload))
    return undefined
  } catch {
    return isFinished(target, parts)
  }
}

/**
 * The object at `target` if it has the bytes of `parts`: an earlier completion's answer was lost.
 */
async function isFinished(target: string, parts: readonly Part[]): Promise<ObjectHead | undefined> {
  const handle = await open(target, 'r').catch(() => undefined)
  if (handle === undefined) return undefined
  try {
    let position = 0
    for (const { size, crc32 } of parts) {
      if ((await crc32At(handle, position, size)) !== crc32) return undefined
      position += size
    }
    const head = headOf(await handle.stat({ bigint: true }))
    return head.size === position ? head : undefined
  } finally {
    await handle.close()
  }
}

/** Of `size` bytes of a file; undefined if it ends before. */
async function crc32At(handle: FileHandle, position: number, size: number): Promise<string | undefined> {
  const buffer = Buffer.allocUnsafe(Math.min(size, pieceBytes))
  let sum = 0
  for (let done = 0; done < size; ) {
    const length = Math.min(buffer.length, size - done)
    const { bytesRead } = await handle.read(buffer, 0, length, position + done)
    if (bytesRead === 0) return undefined
    sum = crc32(buffer.subarray(0, bytesRead), sum)
    done += bytesRead
  }
  return base64OfCrc32(sum)
}

const pieceBytes = 1024 * 1024

function checkParts(upload: MultipartUpload, parts: readonly Part[]): void {
  const wrong = parts.find(
    ({ number, size }, index) =>
      number !== index + 1 || (index < parts.length - 1 && size !== upload.partSize),
  )
  if (parts.length > 0 && wrong === undefined) return
  const problem = wrong === undefined ? 'no parts' : `part ${wrong.number} of ${wrong.size} bytes`
  throw new StoreError('invalid', `${upload.key}: an upload can't be completed with ${problem}`)
}

async function openUpload(root: FolderRoot, upload: MultipartUpload): Promise<FileHandle> {
  try {
    return await open(uploadPath(root, upload), 'r+')
  } catch (error) {
    if (!isNoObject(error)) throw error
    throw new StoreError('not-found', `${upload.key}: no such upload`)
  }
}

function uploadPath(root: FolderRoot, { key, id }: Pick<MultipartUpload, 'key' | 'id'>): string {
  if (!/^upload-[0-9a-f-]{36}$/.test(id)) throw new StoreError('not-found', `${key}: no such upload`)
  return join(root.path, temporaryFolder, id)
}
