import type { EntryLine } from '../journal/line.ts'
import type { BytePath } from '../scan/byte-path.ts'
import type { OpenFile } from '../scan/open-file.ts'
import type { FileOptions, PassFileOptions } from './upload-file.ts'

/*
 * The seam of the uploader: walker (scan/, journal/join.ts) → processor → uploader
 * (upload-file.ts).
 *
 * The walker finds files and knows nothing of the store; the uploader stores bytes and knows
 * nothing of the tree. A processor between them decides in which form a file's bytes are stored:
 * pack/packer.ts puts small files into tars, uploadAsIs() stores the others unchanged. A
 * compressing processor would read a file, store its output by itself (src/store/put-stream.ts,
 * called through StoreCalls) and stand before uploadAsIs() in pass/pass-processors.ts. Uploads by
 * uploadAsIs() alone go on when a pass beside the worker is aborted (while-running/in-flight.ts).
 */

/** A file that a pass has opened, to be stored. */
export interface FileToStore {
  path: BytePath
  /** Closed by the pass once the file is stored; a processor may close it earlier. */
  file: OpenFile
  /** What the journal has about the path; it may be an older version. */
  known: EntryLine | undefined
  /** Keys that checkpoints name for this path: their objects must not be overwritten. */
  keysInUse: readonly string[]
  /** The bytes of it that the result's budget has; default: all that it had when it was opened. */
  counted?: bigint
  /** A key that nothing else gets; default: one of its path. */
  uniqueKey?: string
}

export interface FileProcessor {
  /** Each file goes to the first processor of the pass that takes it. */
  takes(file: OpenFile): boolean
  /** Called one file after the other; see Processing for when the next call follows. */
  process(file: FileToStore): Processing
  /** No file follows: stores what waits for more files. */
  seal(): void
  /** The pass was aborted: drops what is not being sent yet. */
  drop(): void
}

/**
 * A line is undefined for a file that is left to the next pass. Promises reject with Halted and
 * what reading gives.
 */
export type Processing =
  /** The file is stored by itself; the next file may follow at once. */
  | { stored: Promise<EntryLine | undefined> }
  /**
   * The file is added to an object that several files share; the next file follows when this has
   * resolved.
   */
  | { added: Promise<AddedFile> }

export interface AddedFile {
  line: EntryLine | undefined
  /** The object that the line waits for; absent where the line is final. */
  shared?: SharedObject
}

/** An object that holds the bytes of several files. */
export interface SharedObject {
  /** Resolves when the object is stored, has failed or was dropped; never rejects. */
  readonly ended: Promise<void>
  /** The final line of a file in it; undefined until `ended`. */
  lineOf(line: EntryLine): EntryLine | 'halted' | undefined
  /** The pass waits for this object: it takes no further files. May be called again. */
  onAwaited(): void
}

/** Stores a file's bytes; as uploadFile() without its context. */
export type FileUploader = (
  path: BytePath,
  file: OpenFile,
  known: EntryLine | undefined,
  options: FileOptions,
) => Promise<EntryLine | undefined>

export interface UploadAsIs extends FileProcessor {
  process(file: FileToStore): { stored: Promise<EntryLine | undefined> }
}

/** The last processor of each pass: takes every file and stores it unchanged. */
export function uploadAsIs(upload: FileUploader, options: PassFileOptions): UploadAsIs {
  return {
    takes: () => true,
    process: ({ path, file, known, ...ofFile }) => ({
      stored: upload(path, file, known, { ...options, ...ofFile }),
    }),
    seal: () => undefined,
    drop: () => undefined,
  }
}
