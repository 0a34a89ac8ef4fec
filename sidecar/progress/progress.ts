/** How far a pass has come; what it counts is in the store, or can't be and says so. */
export class Progress {
  files = 0
  bytes = 0
  /** Set once it is known. */
  total: { files: number; bytes: number } | undefined

  /** A pass begins: it comes to each file anew. */
  begin(): void {
    this.files = 0
    this.bytes = 0
  }

  fileDone(size: number): void {
    this.files += 1
    this.bytes += size
  }

  /** Bytes of a file that isn't done yet; negative where it is, or where its parts are of no use after all. */
  partDone(bytes: number): void {
    this.bytes += bytes
  }

  /** `1,234 of 2,000 files, 12 of 34 MB stored` */
  toString(): string {
    const { files, bytes, total } = this
    if (total === undefined) return `${count(files)} files, ${megabytes(bytes)} MB stored so far`
    return `${count(files)} of ${count(total.files)} files, ${megabytes(bytes)} of ${megabytes(total.bytes)} MB stored`
  }
}

function count(files: number): string {
  return files.toLocaleString('en-US')
}

function megabytes(bytes: number): string {
  const digits = bytes < 10e6 ? 1 : 0
  return (bytes / 1e6).toLocaleString('en-US', { maximumFractionDigits: digits })
}
