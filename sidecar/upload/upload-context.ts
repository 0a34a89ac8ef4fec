import type { BigIntStats } from 'node:fs'
import type { ArtifactStore } from '../../src/store/store.ts'
import type { UploadProgress } from '../progress/upload-progress.ts'
import { fingerprint } from '../scan/entry-of.ts'
import type { OpenFile } from '../scan/open-file.ts'
import type { StoreCalls } from '../store/store-calls.ts'
import type { Buffers } from './buffers.ts'

/** The context of all uploads of an attempt. */
export interface UploadContext {
  /** Tracks open uploads (store/upload-tracker.ts). */
  store: ArtifactStore
  calls: StoreCalls
  buffers: Buffers
  progress: UploadProgress
  /** Once true, an upload in parts is given up before its next part. */
  isTooLate?: () => boolean
  /**
   * Other files wait for this one already (pass/window.ts), which most likely need only be read.
   */
  isAhead?: true
}

/** One reading of a file, which was as `stat` says when it began. */
export interface Reading {
  file: OpenFile
  stat: BigIntStats
  /** For people: the path. */
  name: string
}

export interface StoredBytes {
  sha256: string
  etag: string
}

/** The file has changed since the reading began: the bytes are of no use. */
export class ChangedWhileRead extends Error {
  override name = 'ChangedWhileRead'
}

/** The upload was open longer than allowed while the worker runs. */
export class TookTooLong extends Error {
  override name = 'TookTooLong'
}

/** Fills the buffer with the file's bytes at `start`; rejects with ChangedWhileRead. */
export async function readUnchanged(reading: Reading, buffer: Buffer, start: number): Promise<void> {
  if (!(await reading.file.fill(buffer, start))) throw new ChangedWhileRead()
  checkUnchanged(reading)
}

/** Throws ChangedWhileRead if the file has changed since `stat`. */
export function checkUnchanged({ file, stat }: Reading): void {
  if (fingerprint(file.stat()) !== fingerprint(stat)) throw new ChangedWhileRead()
}
