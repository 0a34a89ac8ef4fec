import { randomUUID } from 'node:crypto'
import { access, type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32Base64 } from './crc32.ts'
import { headOf, openTemporary, publish, temporaryFolder, writeAt } from './folder-files.ts'
import { isNoObject } from './folder-get.ts'
import {
  type ObjectHead,
  type Part,
  type StoredObject,
  StoreError,
  type Upload,
  type WriteOptions,
} from './store.ts'

/** Uploads in parts: one file in the temporary folder, every part at its place. */

export async function beginUpload(root: string): Promise<string> {
  const id = `upload-${randomUUID()}`
  const handle = await openTemporary(root, id)
  await handle.close()
  return id
}

export async function writePart(
  root: string,
  upload: Upload,
  number: number,
  body: Uint8Array,
): Promise<Part> {
  if (!Number.isInteger(number) || number < 1 || number > 10_000 || body.byteLength > upload.partSize) {
    throw new StoreError('invalid', `${upload.key}: part ${number} of ${body.byteLength} bytes`)
  }
  const handle = await openUpload(root, upload)
  try {
    const crc32 = crc32Base64(body)
    await writeAt(handle, body, (number - 1) * upload.partSize)
    // A checkpoint may count on this part after a power failure.
    await handle.datasync()
    return { number, etag: crc32, crc32, size: body.byteLength }
  } finally {
    await handle.close()
  }
}

export async function finishUpload(
  root: string,
  upload: Upload,
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

export async function dropUpload(root: string, upload: Pick<Upload, 'key' | 'id'>): Promise<boolean> {
  try {
    await unlink(uploadPath(root, upload))
    return true
  } catch (error) {
    if (!isNoObject(error)) throw error
    return false
  }
}

async function finishedBefore(root: string, upload: Upload, parts: readonly Part[], target: string) {
  try {
    await access(uploadPath(root, upload))
    return undefined
  } catch {
    return isFinished(target, parts)
  }
}

/** The object at `target` where it is what the upload would have made: then an earlier answer got lost. */
async function isFinished(target: string, parts: readonly Part[]): Promise<ObjectHead | undefined> {
  const handle = await open(target, 'r').catch(() => undefined)
  if (handle === undefined) return undefined
  try {
    let position = 0
    for (const { size, crc32 } of parts) {
      const body = Buffer.allocUnsafe(size)
      const { bytesRead } = await handle.read(body, 0, size, position)
      if (bytesRead !== size || crc32Base64(body) !== crc32) return undefined
      position += size
    }
    const head = headOf(await handle.stat({ bigint: true }))
    return head.size === position ? head : undefined
  } finally {
    await handle.close()
  }
}

function checkParts(upload: Upload, parts: readonly Part[]): void {
  const wrong = parts.find(
    ({ number, size }, index) =>
      number !== index + 1 || (index < parts.length - 1 && size !== upload.partSize),
  )
  if (parts.length > 0 && wrong === undefined) return
  const problem = wrong === undefined ? 'no parts' : `part ${wrong.number} of ${wrong.size} bytes`
  throw new StoreError('invalid', `${upload.key}: an upload can't be completed with ${problem}`)
}

async function openUpload(root: string, upload: Upload): Promise<FileHandle> {
  try {
    return await open(uploadPath(root, upload), 'r+')
  } catch (error) {
    if (!isNoObject(error)) throw error
    throw new StoreError('not-found', `${upload.key}: no such upload`)
  }
}

function uploadPath(root: string, { key, id }: Pick<Upload, 'key' | 'id'>): string {
  if (!/^upload-[0-9a-f-]{36}$/.test(id)) throw new StoreError('not-found', `${key}: no such upload`)
  return join(root, temporaryFolder, id)
}
