interface FilesAndBytes {
  files: number
  bytes: number
}

/** The progress of a pass: files that are stored, and apart from them those listed with an error. */
export class UploadProgress {
  files = 0
  bytes = 0
  /** Undefined until the tree is counted. */
  counted: FilesAndBytes | undefined
  #leftOut = { files: 0, bytes: 0 }

  /** A pass begins: it counts all files again. */
  begin(): void {
    this.files = 0
    this.bytes = 0
    this.#leftOut = { files: 0, bytes: 0 }
  }

  /** What is to be stored: the counted tree without the files that can't be. */
  get total(): FilesAndBytes | undefined {
    if (this.counted === undefined) return undefined
    return {
      files: Math.max(this.files, this.counted.files - this.#leftOut.files),
      bytes: Math.max(this.bytes, this.counted.bytes - this.#leftOut.bytes),
    }
  }

  fileDone(size: number): void {
    this.files += 1
    this.bytes += size
  }

  /** A file that can't be stored counts neither as stored nor as to be stored. */
  fileLeftOut(size: number): void {
    this.#leftOut.files += 1
    this.#leftOut.bytes += size
  }

  /**
   * Bytes of a file that is not done yet; negative once it is done, or if its parts are of no use.
   */
  partDone(bytes: number): void {
    this.bytes += bytes
  }

  /** `1,234 of 2,000 files, 12 of 34 MB stored (besides, 1 file of 5 MB can't be stored)` */
  toString(): string {
    const { files, bytes, total } = this
    const stored =
      total === undefined
        ? `${count(files)} files, ${megabytes(bytes)} MB stored so far`
        : `${count(files)} of ${count(total.files)} files, ${megabytes(bytes)} of ${megabytes(total.bytes)} MB stored`
    const left = this.#leftOut
    if (left.files === 0) return stored
    const what = left.files === 1 ? '1 file' : `${count(left.files)} files`
    return `${stored} (besides, ${what} of ${megabytes(left.bytes)} MB can't be stored)`
  }
}

function count(files: number): string {
  return files.toLocaleString('en-US')
}

function megabytes(bytes: number): string {
  const digits = bytes < 10e6 ? 1 : 0
  return (bytes / 1e6).toLocaleString('en-US', { maximumFractionDigits: digits })
}
