import { type Cause, type Reason, reasons } from './job.ts'
import type { Attempt, Observation } from './observation.ts'
import { uploadInterrupted } from './rescue.ts'

/** A worker's failure whose results were not all stored either. */
export function withUploadTrouble(cause: Cause, observation: Observation, attempt: Attempt): Cause {
  const words = uploadersWords(attempt) ?? uploadInterrupted(observation)
  return { reason: cause.reason, message: `${cause.message}. ${words.reason}: ${words.message}` }
}

/** What the uploader left in its termination message, where that is a reason. */
export function uploadersWords(attempt: Attempt): Cause | undefined {
  const text = attempt.uploader.message
  if (!text) return undefined
  try {
    const { reason, message } = JSON.parse(text) as { reason?: unknown; message?: unknown }
    if (reasons.includes(reason as Reason)) return { reason: reason as Reason, message: String(message) }
  } catch {
    // Not ours: Kubernetes falls back to other texts where the file was never written.
  }
  return undefined
}
