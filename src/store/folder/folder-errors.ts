import { codeOf } from '../../util/error-code.ts'
import { messageOf } from '../../util/errors.ts'
import { StoreError, type StoreErrorKind } from '../store.ts'

/**
 * The kind of StoreError for the errno of a file system call; `unavailable` for an unknown errno.
 */
export function kindOfErrno(code: string | undefined): StoreErrorKind {
  return (code === undefined ? undefined : kinds.get(code)) ?? 'unavailable'
}

/** Runs file system calls; an error of theirs becomes a StoreError that names `what`. */
export async function asStoreError<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw storeError(what, error)
  }
}

export function storeError(what: string, error: unknown): Error {
  const code = codeOf(error)
  // An error without an errno (a StoreError, an aborted signal's reason) is not from the file
  // system.
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
