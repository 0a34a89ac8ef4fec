import { readFileSync, statSync } from 'node:fs'

export interface Watched {
  stateDirectory: string
  /** The pid of whoever started the supervisor, which says it; undefined without one. */
  starter: string | undefined
  storing: boolean
}

/**
 * Why nobody waits any more for an uploader without a cluster; undefined where somebody does. An API that was killed ends
 * nobody, and who removes its folder then doesn't either. The next API ends what its predecessor left, and starts an
 * uploader on the same files; but one that is storing goes on to its end by itself.
 */
export function forsaken({ stateDirectory, starter, storing }: Watched): string | undefined {
  if (isGone(stateDirectory)) return `${stateDirectory} was removed`
  if (storing || starter === undefined) return undefined
  const above = parentOf(process.ppid)
  return above === undefined || above === starter ? undefined : 'the API that started it has ended'
}

/** A disk that doesn't answer has lost nothing. */
function isGone(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined
  } catch {
    return false
  }
}

/** Undefined where it can't be told. */
function parentOf(pid: number): string | undefined {
  try {
    return /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}
