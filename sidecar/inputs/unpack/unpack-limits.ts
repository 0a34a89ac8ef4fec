import { RefusedEntry } from './archive-paths.ts'

export interface UnpackLimits {
  /** Of the archive without its compression. */
  bytes: number
  entries: number
}

export function tooManyBytes({ bytes }: Pick<UnpackLimits, 'bytes'>): RefusedEntry {
  return new RefusedEntry(`it has more than ${bytes} bytes without its compression`)
}

export function tooMany({ entries }: Pick<UnpackLimits, 'entries'>): RefusedEntry {
  return new RefusedEntry(`it has more than ${entries} entries`)
}
