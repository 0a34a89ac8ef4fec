import { randomUUID } from 'node:crypto'
import { lstat, mkdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf } from '../../util/error-code.ts'
import { StoreError } from '../store.ts'

/** The file in a store's folder by which the folder is known again; its text is an id. */
export const markerFile = '.jobferry-store'

/**
 * A store's own folder. An unmounted disk leaves an empty folder or none: each object in it would
 * seem to be removed, and a write would make a second store. Hence absence and new folders need the
 * marker.
 */
export interface FolderRoot {
  readonly path: string
  /**
   * Rejects `unavailable` if the folder is away, or if a file stands in the place of the folder in
   * it that holds `path`. Resolves if prepare() has not been called yet by any program.
   */
  check(path?: string): Promise<void>
  /** From now on the folder must have the marker with this id. */
  bind(id: string): void
  /** Makes the folder `path` below this one; resolves with the topmost folder that it made. */
  makeFolder(path: string): Promise<string | undefined>
}

export interface FolderRootOptions {
  /** A program has prepared the folder before. */
  isPrepared?: boolean
}

/** Results are their owner's alone: other users of the machine can't read them. */
export const folderMode = 0o700

export function folderRoot(path: string, { isPrepared = false }: FolderRootOptions = {}): FolderRoot {
  let known: string | undefined
  let isKept = isPrepared
  const check = async (below?: string) => {
    if (!isKept) return
    const found = await readMarker(path)
    if (found === undefined) throw away(path, `it has no file ${markerFile}, as an unmounted disk has none`)
    known ??= found
    if (found !== known) throw away(path, `its file ${markerFile} is another store's; start Jobferry again`)
    if (below !== undefined) await checkTopFolder(path, below)
  }
  return {
    path,
    check,
    bind(id) {
      known = id
      isKept = true
    },
    async makeFolder(folder) {
      if (!isKept) return mkdir(folder, { recursive: true, mode: folderMode })
      await check(folder)
      return makeBelow(path, folder)
    },
  }
}

/** The id in the marker; undefined if there is no marker, and so no prepared store. */
export async function readMarker(root: string): Promise<string | undefined> {
  try {
    const id = (await readFile(join(root, markerFile), 'utf8')).trim()
    return id === '' ? undefined : id
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

export function newMarker(): string {
  return `${randomUUID()}\n`
}

/**
 * `work` again if it found the object `path` absent and the store's folder is there: the folder may
 * have come back in between.
 */
export async function confirmAbsence<T>(
  root: FolderRoot,
  path: string | undefined,
  work: () => Promise<T>,
  isAbsent: (found: T) => boolean,
): Promise<T> {
  try {
    const found = await work()
    if (!isAbsent(found)) return found
  } catch (error) {
    if (!meansAbsent(error)) throw error
  }
  await root.check(path)
  return work()
}

/** The usual `isAbsent`. */
export function isUndefined(value: unknown): boolean {
  return value === undefined
}

function meansAbsent(error: unknown): boolean {
  if (error instanceof StoreError) return error.kind === 'not-found'
  return ['ENOENT', 'ENOTDIR', 'EEXIST'].includes(codeOf(error) ?? '')
}

function away(root: string, why: string): StoreError {
  return new StoreError('unavailable', `the store's folder ${root} is not there: ${why}`)
}

/** Of `jobs/<uuid>/job.json` the folder `jobs`: only below it an object may bar another's way. */
async function checkTopFolder(root: string, path: string): Promise<void> {
  // A folder's path ends in '/', which relative() would drop.
  const [first = '', ...rest] = path.slice(root.length).replace(/^\//, '').split('/')
  if (rest.length === 0) return
  const top = join(root, first)
  const found = await stat(top).catch(async (error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error
    // A link to an unmounted disk leads nowhere.
    return lstat(top).catch(() => undefined)
  })
  if (found === undefined || found.isDirectory()) return
  throw new StoreError('unavailable', `${top} in the store's folder is no folder, or a link to none`)
}

/**
 * Never makes `root` itself: it may have been unmounted or moved since the check. Another process
 * may prune a new folder meanwhile, so that `folder` is not sure to exist: publish() repeats.
 */
async function makeBelow(root: string, folder: string): Promise<string | undefined> {
  if (folder === root) return undefined
  const first = await makeOne(folder)
  if (first !== 'ENOENT') return first === 'made' ? folder : undefined
  if (dirname(folder) === root) throw away(root, 'no folder can be made in it')
  const topmost = await makeBelow(root, dirname(folder))
  return (await makeOne(folder)) === 'made' ? (topmost ?? folder) : topmost
}

async function makeOne(folder: string): Promise<'made' | 'EEXIST' | 'ENOENT'> {
  try {
    await mkdir(folder, { mode: folderMode })
    return 'made'
  } catch (error) {
    const code = codeOf(error)
    if (code !== 'EEXIST' && code !== 'ENOENT') throw error
    const inItsPlace = code === 'EEXIST' ? await stat(folder).catch(() => undefined) : undefined
    if (inItsPlace?.isDirectory() === false) throw error
    return code
  }
}
