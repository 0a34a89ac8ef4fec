import { Problem } from '../errors.ts'
import { type Answer, resultHeaders } from './answer.ts'
import { notAmong } from './chosen.ts'
import { type Conditions, evaluate, rangeCounts, type Validators } from './conditional.ts'
import { type FileSource, partOfFile, wholeFile } from './entry-bytes.ts'
import { contentHeaders, validatorHeaders, validatorsOf } from './file-headers.ts'
import type { OpenedResult } from './opened.ts'
import { parseRange, type RequestedRange } from './range.ts'
import { type ReadableFile, readable, shown } from './readable-file.ts'
import { redirected } from './redirect.ts'

/** What of a request for a file matters. */
export interface FileRequest {
  method: string
  headers: Conditions & { range?: string | undefined }
  /** To the store's own address, where that can be. */
  redirect?: boolean
  /** The job need not be final. */
  soFar?: boolean
  signal?: AbortSignal
}

/** A range that lies outside of a file of `size` bytes: the answer must name the size. */
export class UnsatisfiableRange extends Problem {
  readonly size: number

  constructor(range: string, size: number) {
    const problem = `${range} lies outside of the file's ${size} bytes`
    const expected = size === 0 ? 'no range: the file is empty' : `bytes from 0 to ${size - 1}`
    super('range-not-satisfiable', problem, { errors: [{ field: 'Range', problem, expected }] })
    this.size = size
  }
}

/**
 * The answer to a request for one file. Rejects with Problem: `not-found`, `not-a-readable-file`,
 * `precondition-failed`, UnsatisfiableRange; its body ends as wholeFile does.
 */
export async function fileAnswer(
  result: OpenedResult,
  source: FileSource,
  path: Uint8Array,
  request: FileRequest,
): Promise<Answer> {
  const entry = await result.manifest.entry(path, request.signal)
  if (entry === undefined) throw notAmong(result.located, [path])
  const file = readable(entry)
  const validators = validatorsOf(file)
  const headers = { ...resultHeaders(result.located.state), ...validatorHeaders(validators) }
  const verdict = evaluate(request.headers, validators)
  if (verdict === 'precondition-failed') {
    throw new Problem('precondition-failed', `${shown(path)} has the ETag ${validators.etag}`)
  }
  if (verdict === 'not-modified') return { status: 304, headers }

  Object.assign(headers, contentHeaders(file))
  const range = rangeOf(request, file, validators)
  if (range.kind === 'unsatisfiable') throw new UnsatisfiableRange(request.headers.range ?? '', file.size)
  const elsewhere =
    request.redirect && !source.provisional ? await redirected(source, file, request, headers) : undefined
  if (elsewhere !== undefined) return elsewhere
  if (range.kind === 'whole') {
    Object.assign(headers, { 'Content-Length': String(file.size) })
    if (request.method === 'HEAD') return { status: 200, headers }
    return { status: 200, headers, body: wholeFile(source, file, request.signal) }
  }
  const { start, end } = range
  const length = end - start + 1
  Object.assign(headers, {
    'Content-Length': String(length),
    'Content-Range': `bytes ${start}-${end}/${file.size}`,
  })
  return { status: 206, headers, body: partOfFile(source, file, { start, length }, request.signal) }
}

/** RFC 9110 §14.2: Range is for GET alone, and looked at after the preconditions. */
function rangeOf(request: FileRequest, file: ReadableFile, validators: Validators): RequestedRange {
  if (request.method !== 'GET' || !rangeCounts(request.headers, validators)) return { kind: 'whole' }
  return parseRange(request.headers.range, file.size)
}
