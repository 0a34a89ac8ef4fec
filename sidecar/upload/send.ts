import type { BigIntStats } from 'node:fs'
import type { ArtifactStore } from '../../src/artifact/store.ts'
import type { Progress } from '../progress/progress.ts'
import { fingerprint } from '../scan/entry-of.ts'
import type { OpenFile } from '../scan/open-file.ts'
import type { StoreCalls } from '../store/store-calls.ts'
import type { Buffers } from './buffers.ts'

/** What sending needs; the same for all files. */
export interface Sending {
  /** Keeps count of open uploads itself (store/open-uploads.ts). */
  store: ArtifactStore
  calls: StoreCalls
  buffers: Buffers
  progress: Progress
  /** Where given: what is sent in parts is given up before the next one once this is true. */
  isTooLate?: () => boolean
  /** Others wait for this file already (pass/window.ts), and most likely it need only be read. */
  isAhead?: true
}

/** One reading of one file, as it was when `stat` was taken. */
export interface Reading {
  file: OpenFile
  stat: BigIntStats
  /** For people: the path. */
  name: string
}

export interface Stored {
  sha256: string
  etag: string
}

/** What the file was when the reading began is not what it is now: what was read is of no use. */
export class ChangedWhileRead extends Error {
  override name = 'ChangedWhileRead'
}

/** It takes longer than an upload may be open while the worker runs. */
export class TookTooLong extends Error {
  override name = 'TookTooLong'
}

/** Throws ChangedWhileRead. */
export function checkUnchanged({ file, stat }: Reading): void {
  if (fingerprint(file.stat()) !== fingerprint(stat)) throw new ChangedWhileRead()
}
