import type { Transport } from '../http/transport.ts'
import type { PartFile } from './part-file.ts'
import type { TargetFolder } from './target-folder.ts'

/** A file of a result, and its place in the folder. */
export interface WantedFile {
  path: Buffer
  place: Buffer
  size: number
  sha256: string
  mode: number
  /** Seconds since the epoch. */
  mtime: number | undefined
}

export interface Fetching {
  transport: Transport
  id: string
  folder: TargetFolder
  soFar: boolean | undefined
  signal: AbortSignal
  /** Parts of large files, which the caller closes. */
  parts: Set<PartFile>
  /** Bytes that came. */
  received: (bytes: number) => void
}
