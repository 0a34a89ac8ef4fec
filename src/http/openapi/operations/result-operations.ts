import { listedEntry, resultListAnswer } from '../../answers/result-answers.ts'
import { exampleSha256 } from '../examples.ts'
import type { HeaderName } from '../headers.ts'
import { bytes, jsonContent, type Operation, type Operations } from '../operation.ts'
import {
  count,
  exampleUuid,
  flagQuery,
  header,
  jobIdParameter,
  query,
  waitParameters,
} from '../parameters.ts'

const entry = {
  path: 'tables/report.csv',
  type: 'file',
  size: 73_400_321,
  mode: '0644',
  mtime: '2026-11-29T08:14:59.123456789Z',
  sha256: exampleSha256,
}
const list = {
  job_uuid: exampleUuid,
  state: 'succeeded',
  result_state: 'complete',
  attempt: { number: 0, uid: '5e0c1a52-7f0e-4d57-8f0f-2f3a1d7b9c11' },
  count: 2,
  bytes: 73_400_321,
  files: [{ path: 'tables', type: 'directory', mode: '0755', mtime: entry.mtime }, entry],
  next: null,
}

const soFar = flagQuery(
  'so_far',
  'Before the end of the job, too: what is stored by then, which is `provisional`',
)
const problems = ['not-found', 'not-final', 'result-missing', 'expired', 'result-damaged', 'busy'] as const

const ofFiles: readonly HeaderName[] = ['ETag', 'Jobferry-Result-State']
const mayBeOfFiles: readonly HeaderName[] = [
  'Preference-Applied',
  'Repr-Digest',
  'Last-Modified',
  'Accept-Ranges',
  'Content-Disposition',
]

export const readResultOperation: Operation = {
  id: 'getResult',
  tag: 'results',
  summary: 'One file of a result, or an archive',
  description:
    'With one `file` and without `format` its bytes, else an archive of the files that are named, or of everything. Bytes are checked while they are sent: what differs from its SHA-256 is cut off.',
  parameters: [
    jobIdParameter,
    query('file', 'A path of the list, percent-encoded as bytes; several times for an archive of several', {
      schema: { type: 'array', items: { type: 'string', minLength: 1 } },
      example: [entry.path],
      repeated: true,
    }),
    query('format', 'The archive, `tar` without it', {
      schema: { type: 'string', enum: ['tar', 'tar.gz', 'tar.zst', 'zip'] },
      example: 'zip',
    }),
    flagQuery('redirect', 'Answer with a 307 to the address of the file in the store, where that can be'),
    soFar,
    ...waitParameters,
    header('Range', 'One range of bytes of one file (RFC 9110, section 14)', 'bytes=0-99'),
    header('If-None-Match', 'The ETag of the bytes that the caller has', `"${exampleSha256}"`),
    header('If-Match', 'The ETag that the file must have', `"${exampleSha256}"`),
    header('If-Range', 'The ETag that the file must have, else the whole file is sent', `"${exampleSha256}"`),
    header('If-Modified-Since', 'As in RFC 9110', 'Sun, 29 Nov 2026 08:15:00 GMT'),
    header('If-Unmodified-Since', 'As in RFC 9110', 'Sun, 29 Nov 2026 08:15:00 GMT'),
  ],
  answers: {
    200: {
      description:
        'The bytes of the file under the type that its name and its first bytes say, or the archive',
      headers: ['Jobferry-Result-State'],
      mayHave: ['ETag', ...mayBeOfFiles],
      content: ['application/x-tar', 'application/gzip', 'application/zstd', 'application/zip', '*/*'].map(
        bytes,
      ),
    },
    206: {
      description: 'The range of bytes that was asked for',
      headers: [...ofFiles, 'Content-Range'],
      mayHave: mayBeOfFiles,
      content: [bytes('*/*')],
    },
    304: { description: 'The caller has the bytes already', headers: ofFiles, mayHave: mayBeOfFiles },
    307: {
      description: 'The file at an address of the store, which needs no token and is good for 300 s',
      headers: [...ofFiles, 'Location'],
      mayHave: mayBeOfFiles,
    },
  },
  problems: [...problems, 'not-a-readable-file', 'precondition-failed', 'range-not-satisfiable'],
  access: 'result',
}

export const resultOperations: Operations = {
  'GET /job/:id/result': readResultOperation,
  'GET /job/:id/result/list': {
    id: 'listResult',
    tag: 'results',
    summary: 'The files of a result, with size and SHA-256',
    description: 'In the order of the bytes of their paths.',
    parameters: [
      jobIdParameter,
      query('prefix', 'Only paths that begin so', { schema: { type: 'string' }, example: 'tables/' }),
      query('after', 'Only paths behind this one', { schema: { type: 'string' }, example: 'tables' }),
      count('limit', 'Entries of a page: 1,000 as JSON, all as NDJSON without it', 1, 10_000),
      flagQuery('verify', 'Ask the store for every file that is listed'),
      soFar,
      ...waitParameters,
    ],
    answers: {
      200: {
        description: 'A page as JSON; or, if Accept prefers it, all as NDJSON: an Entry in each line',
        headers: ['Jobferry-Result-State'],
        mayHave: ['Preference-Applied'],
        content: [
          jsonContent(resultListAnswer, { list }),
          {
            type: 'application/x-ndjson',
            schema: { type: 'string' },
            examples: { lines: `${JSON.stringify(listedEntry.parse(entry))}\n` },
          },
        ],
      },
    },
    problems,
    access: 'result',
  },
}
