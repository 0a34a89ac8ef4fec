import { messageOf } from '../errors.ts'
import { codeOf } from './error-code.ts'
import { StoreError, type StoreErrorKind } from './store.ts'

/** What a failed call of the file system means for the store. */
export function kindOfErrno(code: string | undefined): StoreErrorKind {
  return (code === undefined ? undefined : kinds.get(code)) ?? 'unavailable'
}

/** Runs file system calls; what they throw becomes a StoreError that names `what`. */
export async function asStoreError<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw storeError(what, error)
  }
}

export function storeError(what: string, error: unknown): Error {
  const code = codeOf(error)
  // Anything without an errno (a StoreError, an aborted signal's reason) is not the file system's.
  if (error instanceof StoreError || code === undefined || !/^E[A-Z0-9]+$/.test(code)) {
    return error instanceof Error ? error : new Error(messageOf(error))
  }
  return new StoreError(kindOfErrno(code), `${what}: ${messageOf(error)}`, { cause: error })
}

const kinds: ReadonlyMap<string, StoreErrorKind> = new Map([
  ['ENOENT', 'not-found'],
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['EFBIG', 'full'],
  ['EACCES', 'denied'],
  ['EPERM', 'denied'],
  ['EROFS', 'denied'],
  ['ENAMETOOLONG', 'invalid'],
  ['EINVAL', 'invalid'],
  ['EILSEQ', 'invalid'],
  ['EISDIR', 'invalid'],
  ['ENOTDIR', 'invalid'],
  ['ENOTEMPTY', 'invalid'],
  ['EEXIST', 'invalid'],
  ['ELOOP', 'invalid'],
])
