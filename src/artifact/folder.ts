import { randomUUID } from 'node:crypto'
import { lstat, mkdir, readdir, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { codeOf } from './error-code.ts'
import { asStoreError, storeError } from './folder-errors.ts'
import { headOf, openTemporary, pruneEmpty, publish, temporaryFolder, writeAt } from './folder-files.ts'
import { getFile, isNoObject } from './folder-get.ts'
import { listFolder } from './folder-list.ts'
import { beginUpload, dropUpload, finishUpload, writePart } from './folder-upload.ts'
import {
  type ArtifactStore,
  type ObjectHead,
  type StoredObject,
  StoreError,
  type WriteOptions,
} from './store.ts'
import { checkKey, checkPrefix } from './store-key.ts'

/** A folder as a store: each object is a file under its key. Any number of processes may share it. */
export function createFolderStore(directory: string): ArtifactStore {
  const root = resolve(directory)
  const pathOf = (key: string) => pathBelow(root, key)
  return {
    name: `folder ${root}`,

    prepare: (signal) => run(root, signal, () => prepare(root)),

    put: (key, body, signal, options) =>
      run(key, signal, async () => putFile(root, pathOf(key), body, options)),

    get: (key, options = {}) => run(key, options.signal, async () => getFile(pathOf(key), key, options)),

    head: (key, signal) => run(key, signal, async () => headFile(pathOf(key))),

    async *list(prefix, options = {}) {
      checkPrefix(prefix)
      try {
        yield* listFolder(root, prefix, options)
      } catch (error) {
        throw storeError(`${root}/${prefix}`, error)
      }
    },

    remove: (keys, signal) =>
      run(root, signal, async () => {
        for (const path of keys.map(pathOf)) {
          signal?.throwIfAborted()
          await removeFile(root, path)
        }
      }),

    createUpload: (key, partSize, signal) =>
      run(key, signal, async () => {
        pathOf(key)
        return { key, partSize, id: await beginUpload(root) }
      }),

    putPart: (upload, number, body, signal) =>
      run(upload.key, signal, () => writePart(root, upload, number, body)),

    completeUpload: (upload, parts, signal, options) =>
      run(upload.key, signal, () => finishUpload(root, upload, parts, pathOf(upload.key), options)),

    abortUpload: (upload, signal) =>
      run(upload.key, signal, async () => {
        pathOf(upload.key)
        return await dropUpload(root, upload)
      }),

    // No answer gets lost between a program and its folder.
    abortUploads: () => Promise.resolve(),

    close: () => Promise.resolve(),
  }
}

function pathBelow(root: string, key: string): string {
  checkKey(key)
  if (key === temporaryFolder || key.startsWith(`${temporaryFolder}/`)) {
    throw new StoreError('invalid', `the key ${JSON.stringify(key)} is the store's own`)
  }
  return join(root, key)
}

/** Calls of the file system can't be interrupted, so the signal counts before them alone. */
function run<T>(what: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  return asStoreError(what, async () => {
    signal?.throwIfAborted()
    return work()
  })
}

async function putFile(
  root: string,
  target: string,
  body: Uint8Array,
  options?: WriteOptions,
): Promise<StoredObject> {
  const name = `put-${randomUUID()}`
  const path = join(root, temporaryFolder, name)
  const handle = await openTemporary(root, name)
  try {
    await writeAt(handle, body, 0)
    const { etag } = await publish(root, handle, path, target, options)
    return { etag }
  } catch (error) {
    await unlink(path).catch(() => {})
    throw error
  } finally {
    await handle.close()
  }
}

async function headFile(path: string): Promise<ObjectHead | undefined> {
  try {
    const stats = await lstat(path, { bigint: true })
    return stats.isFile() ? headOf(stats) : undefined
  } catch (error) {
    if (isNoObject(error)) return undefined
    throw error
  }
}

async function removeFile(root: string, path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    // EISDIR (Linux) or EPERM (macOS): a folder of other keys, so there is no object of this key.
    const isFolder = async () => (await stat(path).catch(() => undefined))?.isDirectory() === true
    if (!isNoObject(error) && !(['EISDIR', 'EPERM'].includes(codeOf(error) ?? '') && (await isFolder())))
      throw error
  }
  await pruneEmpty(root, dirname(path))
}

async function prepare(root: string): Promise<void> {
  const temporary = join(root, temporaryFolder)
  await mkdir(temporary, { recursive: true })
  const probe = join(root, `probe-${randomUUID()}`)
  await putFile(root, probe, Buffer.from('probe'))
  await removeFile(root, probe)
  await sweep(temporary)
}

/** Removes what puts left that were cut off; a put takes seconds at most. Uploads are aborted by who began them. */
async function sweep(temporary: string): Promise<void> {
  for (const name of await readdir(temporary)) {
    if (!name.startsWith('put-')) continue
    const path = join(temporary, name)
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && Date.now() - found.mtimeMs > putsTakeMs) await unlink(path).catch(() => {})
  }
}

const putsTakeMs = 3_600_000
