import * as z from 'zod'
import { attemptSchema, states } from '../../job/job.ts'
import type { ListedEntry, ResultList } from '../../results/list.ts'
import { schemaOf } from './schema-of.ts'

const count = z.int().min(0)

/** An entry of a list: in `files` of the JSON answer, or a line of the NDJSON answer. */
export const listedEntry = schemaOf<ListedEntry>()(
  z.strictObject({
    path: z.string().describe('Relative to the result directory').exactOptional(),
    path_base64: z.base64().describe('Instead of path: bytes that are not UTF-8').exactOptional(),
    type: z.enum(['file', 'directory', 'symlink', 'skipped']),
    size: count.describe('Bytes; files only').exactOptional(),
    mode: z
      .string()
      .regex(/^[0-7]{4}$/)
      .describe('Permission bits, octal')
      .exactOptional(),
    mtime: z.iso.datetime().describe('RFC 3339 in UTC with nine decimals').exactOptional(),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe('Files whose bytes are in the store')
      .exactOptional(),
    target: z.string().describe("A symlink's target").exactOptional(),
    target_base64: z.base64().exactOptional(),
    error: z.string().describe("Why a file's bytes are not in the store").exactOptional(),
    damage: z.string().describe('Why a stored file can not be read').exactOptional(),
  }),
)

export const resultListAnswer = schemaOf<ResultList>()(
  z.strictObject({
    job_uuid: z.uuid(),
    state: z.enum(states),
    result_state: z.enum(['complete', 'partial', 'provisional']),
    attempt: attemptSchema.nullable(),
    count: count.describe('Entries of the whole result'),
    bytes: count.describe('Bytes of the whole result'),
    files: z.array(listedEntry),
    next: z.string().nullable().describe('Link to the next page'),
  }),
)
