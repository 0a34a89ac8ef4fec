import { invalid, type Problem } from '../../util/errors.ts'

/** busboy refuses a longer head. */
const longestHead = 20 * 1024

/**
 * Finds the head of each part in the bytes of a form. busboy drops a part in silence if its head
 * has no `Content-Disposition: form-data` that it can read, and ends a part at each boundary, even
 * if other bytes follow it, which then belong to no part.
 */
export class PartHeads {
  readonly #boundary: Buffer
  readonly #found: (head: string, number: number) => void
  /** Bytes that may be the beginning of a boundary or of a head; a form begins with a boundary. */
  #rest: Buffer = Buffer.from('\r\n')
  #isInHead = false
  #isOver = false
  #count = 0

  /** `found` gets the head's lines, and the part's number from 1 on. */
  constructor(boundary: string, found: (head: string, number: number) => void) {
    this.#boundary = Buffer.from(`\r\n--${boundary}`, 'latin1')
    this.#found = found
  }

  get count(): number {
    return this.#count
  }

  /** Throws Problem `invalid-request` if neither a line end nor `--` follows a boundary. */
  add(chunk: Buffer): void {
    if (this.#isOver) return
    let bytes: Buffer = Buffer.concat([this.#rest, chunk])
    for (;;) {
      const rest = this.#isInHead ? this.#afterHead(bytes) : this.#afterBoundary(bytes)
      if (rest === undefined) break
      bytes = rest
    }
    const most = this.#isInHead ? longestHead : this.#boundary.length + 1
    this.#rest = Buffer.from(bytes.subarray(Math.max(0, bytes.length - most)))
  }

  #afterBoundary(bytes: Buffer): Buffer | undefined {
    const at = bytes.indexOf(this.#boundary)
    const end = at + this.#boundary.length
    if (at === -1 || bytes.length < end + 2) return undefined
    const mark = bytes.toString('latin1', end, end + 2)
    this.#isInHead = mark === '\r\n'
    this.#isOver = mark === '--'
    if (!this.#isInHead && !this.#isOver) throw this.#notABoundary(mark)
    return this.#isOver ? undefined : bytes.subarray(end)
  }

  /** RFC 2046 §5.1.1 allows spaces after a boundary, but busboy does not know them. */
  #notABoundary(mark: string): Problem {
    const where = this.#count === 0 ? 'before part 1' : `in part ${this.#count}`
    if (/^[ \t]/.test(mark)) {
      const expected = 'a line end (CRLF) right after each boundary'
      return invalid('body', `has a space or tab after a boundary ${where}`, expected)
    }
    return invalid('body', `contains its boundary ${where}`, 'a boundary that no part contains')
  }

  #afterHead(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf('\r\n\r\n')
    if (end === -1) return undefined
    this.#isInHead = false
    this.#count += 1
    const inHead = bytes.indexOf(this.#boundary, 1)
    if (inHead !== -1 && inHead < end)
      throw invalid('body', `has no empty line in part ${this.#count}`, 'one after the headers of each part')
    this.#found(bytes.toString('latin1', 0, end), this.#count)
    return bytes.subarray(end + 2)
  }
}

/** The boundary that a form's Content-Type names; undefined without one. */
export function boundaryOf(contentType: string | undefined): string | undefined {
  const [, quoted, plain] = /;\s*boundary=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/i.exec(contentType ?? '') ?? []
  return plain ?? quoted?.replaceAll(/\\(.)/g, '$1')
}
