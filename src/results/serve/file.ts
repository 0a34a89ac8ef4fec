import { pathBytes } from '../../result-format/entry.ts'
import { quotedBytes } from '../../result-format/shown-path.ts'
import { Problem } from '../../util/errors.ts'
import type { FileSource } from '../file-source.ts'
import type { OpenResult } from '../open-result.ts'
import { type Answer, type Body, resultHeaders } from './answer.ts'
import { type Conditions, evaluatePreconditions, rangeCounts, type Validators } from './conditional.ts'
import { dependsOnBytes } from './content-type.ts'
import { fileAt } from './file-at.ts'
import { sendFileShared, sendPart } from './file-bytes.ts'
import { contentHeaders, lastName, validatorHeaders, validatorsOf } from './file-headers.ts'
import { knownKind, lookAtFile, lookingSink } from './first-bytes.ts'
import { parseRange, type RequestedRange } from './range.ts'
import type { ReadableFile } from './readable-file.ts'
import { redirected } from './redirect.ts'

/** The parts of a request for a file that determine the answer. */
export interface FileRequest {
  method: string
  headers: Conditions & { range?: string | undefined }
  /** Answer with a redirect to a URL of the store, if possible. */
  redirect?: boolean
  /** The job need not be final. */
  soFar?: boolean
  signal?: AbortSignal
}

/** A range outside of a file of `size` bytes; the answer must name the size. */
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
 * `precondition-failed`, UnsatisfiableRange; its body rejects as sendFile() does.
 */
export async function fileAnswer(
  result: OpenResult,
  source: FileSource,
  path: Uint8Array,
  request: FileRequest,
): Promise<Answer> {
  const file = await fileAt(result, path, request.signal)
  const shownAs = { path, name: shownName(path, file), headers: resultHeaders(result.located.state) }
  return await readableFileAnswer(source, file, shownAs, request)
}

/** As fileAnswer(), of a file that was found: with its name, and headers of each answer. */
export async function readableFileAnswer(
  source: FileSource,
  file: ReadableFile,
  shownAs: { path: Uint8Array; name: string; headers: Record<string, string> },
  request: FileRequest,
): Promise<Answer> {
  const { path, name } = shownAs
  const validators = validatorsOf(file)
  const headers = { ...shownAs.headers, ...validatorHeaders(validators) }
  const precondition = evaluatePreconditions(request.headers, validators)
  if (precondition === 'precondition-failed') {
    throw new Problem('precondition-failed', `${quotedBytes(path)} has the ETag ${validators.etag}`)
  }
  if (precondition === 'not-modified') return { status: 304, headers }

  const range = rangeOf(request, file, validators)
  if (range.kind === 'unsatisfiable') throw new UnsatisfiableRange(request.headers.range ?? '', file.size)
  const { method, signal } = request
  const redirect = request.redirect === true && !source.provisional
  const isWhole = range.kind === 'whole'
  // The bytes of a whole file are looked at as they are sent.
  const looksAhead = dependsOnBytes(name) && (method === 'HEAD' || !isWhole || redirect)
  const kind = looksAhead ? await lookAtFile(source, file, signal) : knownKind(source, file)
  Object.assign(headers, contentHeaders(file, { name, kind }))
  const elsewhere = redirect ? await redirected(source, file, request, { name, kind }, headers) : undefined
  if (elsewhere !== undefined) return elsewhere
  if (isWhole) {
    Object.assign(headers, { 'Content-Length': String(file.size) })
    if (method === 'HEAD') return { status: 200, headers }
    const isDecided = kind !== undefined || !dependsOnBytes(name)
    const body: Body = isDecided
      ? (sink) => sendFileShared(source, file, sink, signal)
      : lookedAtBody(source, file, name, signal)
    return { status: 200, headers, body }
  }
  const { start, end } = range
  const length = end - start + 1
  Object.assign(headers, {
    'Content-Length': String(length),
    'Content-Range': `bytes ${start}-${end}/${file.size}`,
  })
  const part = { start, length }
  return { status: 206, headers, body: (sink) => sendPart(source, file, part, sink, signal) }
}

function lookedAtBody(source: FileSource, file: ReadableFile, name: string, signal?: AbortSignal): Body {
  return async (sink, replaceHeaders) => {
    const looking = lookingSink(source, file, sink, (kind) =>
      replaceHeaders(contentHeaders(file, { name, kind })),
    )
    await sendFileShared(source, file, looking, signal)
  }
}

/** A link's own name, unless the target's name alone has an ending. */
function shownName(path: Uint8Array, file: ReadableFile): string {
  const name = lastName(path)
  return name.includes('.') ? name : lastName(pathBytes(file))
}

/** RFC 9110 §14.2: Range applies to GET only and is evaluated after the preconditions. */
function rangeOf(request: FileRequest, file: ReadableFile, validators: Validators): RequestedRange {
  if (request.method !== 'GET' || !rangeCounts(request.headers, validators)) return { kind: 'whole' }
  return parseRange(request.headers.range, file.size)
}
