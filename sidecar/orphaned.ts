import { readFileSync, statSync } from 'node:fs'

export interface Supervised {
  stateDirectory: string
  /** The pid of the process that started supervise.sh; undefined without it. */
  starter: string | undefined
  storing: boolean
}

/**
 * Why an uploader without a cluster has to end: its folder or the supervisor of its attempt is gone.
 * Undefined while both are there. A killed supervisor doesn't end its uploader. The API ends it and
 * starts another one on the same files; an uploader that is storing goes on to its end.
 */
export function orphanedReason({ stateDirectory, starter, storing }: Supervised): string | undefined {
  if (isGone(stateDirectory)) return `${stateDirectory} was removed`
  if (storing || starter === undefined) return undefined
  const above = parentOf(process.ppid)
  return above === undefined || above === starter ? undefined : 'the program that started it has ended'
}

/** An error other than ENOENT doesn't mean that the folder is gone. */
function isGone(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined
  } catch {
    return false
  }
}

/** Undefined where it is unknown. */
function parentOf(pid: number): string | undefined {
  try {
    return /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}
