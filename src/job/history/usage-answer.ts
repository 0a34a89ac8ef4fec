import * as z from 'zod'

const seconds = z.number().min(0).nullable()
const bytes = z.int().min(0).nullable()

/** What a job has used so far. Null: it did not come to that, or it is not known. */
export const usageAnswer = z.strictObject({
  queued_seconds: seconds.describe(
    'Waited for other jobs, a node, a turn or another attempt; of all attempts',
  ),
  pulling_seconds: seconds.describe(
    'From the node to the start of its programs, without fetching_seconds: images, volumes; null without a cluster',
  ),
  fetching_seconds: seconds.describe('Inputs were fetched, and the store was tried'),
  running_seconds: seconds.describe("From each attempt's first start to its worker's end"),
  storing_seconds: seconds.describe("From each worker's end until its results were stored"),
  input_bytes: bytes.describe('Fetched for the last attempt; null until its results are stored'),
  output_bytes: bytes.describe('Of the result'),
  node: z.string().nullable().describe('Of the last attempt: the node, or without a cluster the host'),
  images: z
    .array(z.string().nullable())
    .nullable()
    .describe(
      'With digest, as the node names them, of the last attempt: one for each step; null without a cluster',
    ),
  peak_memory_bytes: bytes.describe('Of the last attempt, about; null on a cluster'),
  cpu_seconds: seconds.describe('Of the last attempt; null on a cluster'),
})

export type Usage = z.output<typeof usageAnswer>
