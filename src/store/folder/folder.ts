import { randomUUID } from 'node:crypto'
import { lstat, readdir, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { codeOf } from '../../util/error-code.ts'
import {
  type ArtifactStore,
  isPreconditionFailed,
  type ObjectHead,
  type StoredObject,
  StoreError,
  type WriteOptions,
} from '../store.ts'
import { checkKey, checkPrefix } from '../store-key.ts'
import { asStoreError, storeError } from './folder-errors.ts'
import {
  closeFolder,
  headOf,
  openTemporary,
  pruneEmpty,
  publish,
  temporaryFolder,
  writeAt,
} from './folder-files.ts'
import { getFile, isNoObject } from './folder-get.ts'
import { listFolder } from './folder-list.ts'
import {
  confirmAbsence,
  type FolderRoot,
  type FolderRootOptions,
  folderRoot,
  isUndefined,
  markerFile,
  newMarker,
  readMarker,
} from './folder-root.ts'
import { beginUpload, dropUpload, finishUpload, writePart } from './folder-upload.ts'

/**
 * A folder as a store: each object is a file at its key's path. Several processes may share it. Once
 * it is prepared, its absence, as of an unmounted disk, is `unavailable`.
 */
export function createFolderStore(directory: string, options?: FolderRootOptions): ArtifactStore {
  const root = folderRoot(resolve(directory), options)
  const pathOf = (key: string) => pathBelow(root.path, key)
  const run = runIn(root)
  return {
    name: `folder ${root.path}`,

    prepare: (signal) => run(undefined, signal, () => prepare(root)),

    put: (key, body, signal, options) =>
      run(key, signal, async () => putFile(root, pathOf(key), body, options)),

    get: (key, options = {}) => run(key, options.signal, async () => getFile(pathOf(key), key, options)),

    head: (key, signal) => run(key, signal, async () => headFile(pathOf(key)), isUndefined),

    async *list(prefix, options = {}) {
      checkPrefix(prefix)
      try {
        yield* listFolder(root, prefix, options)
      } catch (error) {
        throw storeError(`${root.path}/${prefix}`, error)
      }
    },

    remove: (keys, signal) =>
      run(undefined, signal, async () => {
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

    abortUpload: (upload, signal) => {
      const drop = async () => {
        pathOf(upload.key)
        return await dropUpload(root, upload)
      }
      return run(upload.key, signal, drop, (dropped) => !dropped)
    },

    // Without a network no answer is lost, so there are no unknown uploads.
    abortUploads: () => Promise.resolve(),

    close: () => Promise.resolve(),
  }
}

function pathBelow(root: string, key: string): string {
  checkKey(key)
  if (key === temporaryFolder || key === markerFile || key.startsWith(`${temporaryFolder}/`)) {
    throw new StoreError('invalid', `the key ${JSON.stringify(key)} is the store's own`)
  }
  return join(root, key)
}

/**
 * Runs work on the object `key`, again if it is absent while the root is there. File system calls
 * can't be interrupted, so the signal is only checked before them.
 */
function runIn(root: FolderRoot) {
  return async <T>(
    key: string | undefined,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
    isAbsent: (found: T) => boolean = () => false,
  ): Promise<T> => {
    try {
      return await asStoreError(key ?? root.path, async () => {
        signal?.throwIfAborted()
        return confirmAbsence(root, key && join(root.path, key), work, isAbsent)
      })
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'full') throw error
      throw new StoreError('full', `the disk of ${root.path} is full: ${error.message}`, { cause: error })
    }
  }
}

async function putFile(
  root: FolderRoot,
  target: string,
  body: Uint8Array,
  options?: WriteOptions,
): Promise<StoredObject> {
  const name = `put-${randomUUID()}`
  const path = join(root.path, temporaryFolder, name)
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

async function removeFile(root: FolderRoot, path: string): Promise<void> {
  await confirmAbsence(
    root,
    path,
    () => unlinkObject(path),
    (removed) => !removed,
  )
  await pruneEmpty(root.path, dirname(path))
}

/** False if there is no object. */
async function unlinkObject(path: string): Promise<boolean> {
  try {
    await unlink(path)
    return true
  } catch (error) {
    // EISDIR (Linux) or EPERM (macOS): a folder of other keys, so there is no object of this key.
    const isFolder = async () => (await stat(path).catch(() => undefined))?.isDirectory() === true
    if (!isNoObject(error) && !(['EISDIR', 'EPERM'].includes(codeOf(error) ?? '') && (await isFolder())))
      throw error
    return false
  }
}

async function prepare(root: FolderRoot): Promise<void> {
  await root.check()
  const temporary = join(root.path, temporaryFolder)
  await root.makeFolder(temporary)
  await closeFolder(root.path)
  const probe = join(root.path, `probe-${randomUUID()}`)
  await putFile(root, probe, Buffer.from('probe'))
  await removeFile(root, probe)
  await mark(root)
  await sweep(temporary)
}

/** Of several programs that prepare the folder at once, the first one's marker stays. */
async function mark(root: FolderRoot): Promise<void> {
  const path = join(root.path, markerFile)
  if ((await readMarker(root.path)) === undefined) {
    await putFile(root, path, Buffer.from(newMarker()), { ifAbsent: true }).catch((error: unknown) => {
      if (!isPreconditionFailed(error)) throw error
    })
  }
  const id = await readMarker(root.path)
  if (id === undefined) throw new StoreError('unavailable', `${path} is empty: remove it`)
  root.bind(id)
}

/**
 * Removes files of interrupted puts: a put takes seconds, so an hour-old file is abandoned. Uploads
 * stay, since their callers abort them.
 */
async function sweep(temporary: string): Promise<void> {
  for (const name of await readdir(temporary)) {
    if (!name.startsWith('put-')) continue
    const path = join(temporary, name)
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && Date.now() - found.mtimeMs > putsTakeMs) await unlink(path).catch(() => {})
  }
}

const putsTakeMs = 3_600_000
