import * as z from 'zod'
import type { WorkerWord } from '../../result-format/worker-word.ts'
import { defined } from '../../util/objects.ts'

const time = z.iso.datetime()

/** A worker's `progress.json` as a job's answer shows it. */
export const progressAnswer = z.strictObject({
  percent: z.number().min(0).max(100).nullable(),
  message: z.string().nullable(),
  updated_at: time.describe('When progress.json was last written'),
})

/** What a job's answer has of its worker's word; each is absent until the worker has said it. */
export const wordAnswerShape = {
  progress: progressAnswer.describe('From `progress.json` of the last attempt').exactOptional(),
  published_at: time.describe('When the files of the newest `publish` were in the store').exactOptional(),
  values_bytes: z.int().min(0).describe('Size of the last valid `values.json`').exactOptional(),
  values: z
    .record(z.string(), z.unknown())
    .describe('The last valid `values.json`; in GET /job/:id and callbacks alone')
    .exactOptional(),
}

/** All but `values`, which lie in the store. */
export function wordAnswer(word: WorkerWord = {}) {
  const { percent, message, updated_at: updatedAt, published_at, values_bytes } = word
  const isKnown = updatedAt !== undefined && (percent !== undefined || message !== undefined)
  const progress = isKnown
    ? { percent: percent ?? null, message: message ?? null, updated_at: updatedAt }
    : undefined
  return defined({ progress, published_at, values_bytes })
}
