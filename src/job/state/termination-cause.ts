import type { Cause } from '../job.ts'
import type { Attempt, Observation } from './observation.ts'
import { uploadInterrupted } from './rescue-cause.ts'
import { causeIn } from './termination-message.ts'

/** The cause of a worker's failure, and why its results were not all stored either. */
export function withUploadTrouble(cause: Cause, observation: Observation, attempt: Attempt): Cause {
  const uploaders = uploaderCause(attempt) ?? uploadInterrupted(observation)
  return { reason: cause.reason, message: `${cause.message}. ${uploaders.reason}: ${uploaders.message}` }
}

/** The cause in the uploader's termination message. */
export function uploaderCause(attempt: Attempt): Cause | undefined {
  return causeIn(attempt.uploader.message)
}
