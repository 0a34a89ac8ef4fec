import { uploadAnswer, uploadListAnswer } from '../../answers/upload-answers.ts'
import { exampleSha256 } from '../examples.ts'
import type { HeaderName } from '../headers.ts'
import { bytes, json, type Operation, type Operations } from '../operation.ts'
import { count, header, type Parameter, query } from '../parameters.ts'

const upload = {
  name: 'drive.bag',
  size: 73_400_321,
  sha256: exampleSha256,
  modified_at: '2026-11-29T08:00:00.000Z',
  from: 'upload:drive.bag',
  links: { self: '/upload/drive.bag' },
}
const name: Parameter = {
  name: 'name',
  in: 'path',
  description: "A file's name of up to 255 bytes",
  schema: { type: 'string', minLength: 1, maxLength: 255 },
  example: upload.name,
}
const etag = `"${exampleSha256}"`
const ifMatch = header('If-Match', 'The ETag that the upload must have; `*`: there must be one', etag)
const ifNoneMatch = header('If-None-Match', 'The ETag that it must not have; `*`: there must be none', '*')

const ofFiles: readonly HeaderName[] = [
  'Repr-Digest',
  'Last-Modified',
  'Accept-Ranges',
  'Content-Disposition',
]

const read: Operation = {
  id: 'getUpload',
  tag: 'uploads',
  summary: 'The bytes of an upload',
  parameters: [
    name,
    header('Range', 'One range of bytes (RFC 9110, section 14)', 'bytes=0-99'),
    header('If-None-Match', 'The ETag of the bytes that the caller has', etag),
    ifMatch,
    header('If-Range', 'The ETag that it must have, else the whole is sent', etag),
  ],
  answers: {
    200: {
      description: 'The bytes, under the type that the name and the first bytes say',
      headers: ['ETag'],
      mayHave: ofFiles,
      content: [bytes('*/*')],
    },
    206: {
      description: 'The range of bytes that was asked for',
      headers: ['ETag', 'Content-Range'],
      mayHave: ofFiles,
      content: [bytes('*/*')],
    },
    304: { description: 'The caller has the bytes already', headers: ['ETag'], mayHave: ofFiles },
  },
  problems: ['not-found', 'precondition-failed', 'range-not-satisfiable', 'result-damaged', 'busy'],
}

export const uploadOperations: Operations = {
  'GET /upload': {
    id: 'listUploads',
    tag: 'uploads',
    summary: 'The uploads of this caller',
    description: 'In the order of the bytes of their names.',
    parameters: [
      count('limit', 'Uploads of a page', 1, 10_000, 100),
      query('after', 'Only names behind this one', { schema: { type: 'string' }, example: 'a.bag' }),
    ],
    answers: {
      200: {
        description: 'A page of them',
        content: json(uploadListAnswer, { uploads: [upload], next: null }),
      },
    },
  },
  'PUT /upload/:name': {
    id: 'putUpload',
    tag: 'uploads',
    summary: 'Keeps the body as an input for several jobs',
    description: 'Requests name it by `from`. A job has the version that was there when it was deployed.',
    parameters: [name, ifMatch, ifNoneMatch],
    body: [bytes('*/*')],
    answers: {
      200: {
        description: 'It took the place of an earlier one',
        headers: ['ETag'],
        content: json(uploadAnswer, upload),
      },
      201: {
        description: 'It is kept',
        headers: ['ETag', 'Location'],
        content: json(uploadAnswer, upload),
      },
    },
    problems: ['precondition-failed', 'too-many-uploads'],
  },
  'GET /upload/:name': read,
  'DELETE /upload/:name': {
    id: 'deleteUpload',
    tag: 'uploads',
    summary: 'Removes an upload',
    description: 'Jobs that were deployed before keep it.',
    parameters: [name, ifMatch, ifNoneMatch],
    answers: { 204: { description: 'It is removed' } },
    problems: ['not-found', 'precondition-failed'],
  },
}
