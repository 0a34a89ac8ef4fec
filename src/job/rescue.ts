import type { Cause } from './job.ts'
import type { Observation } from './observation.ts'

/** What is said while a rescue runs. */
export function rescuing({ rescue }: Observation): Cause | undefined {
  if (rescue?.state !== 'running') return undefined
  const trouble = rescue.message === undefined ? '' : `; ${rescue.message}`
  const message = `the uploader was ended before it had stored everything; a rescue stores the rest from the volume claim${trouble}`
  return { reason: 'UploadInterrupted', message }
}

/** Why a job failed whose uploader left no manifest that covers its worker's end. */
export function uploadInterrupted({ rescue }: Observation): Cause {
  const what =
    'the uploader was ended before it had stored everything; what its last checkpoint names is kept'
  const more =
    rescue === undefined
      ? 'Results on a volume claim (`result_storage_class`) outlive that, and what is missing is stored afterwards'
      : `A rescue of the rest from the volume claim failed${rescue.message === undefined ? '' : `: ${rescue.message}`}`
  return { reason: 'UploadInterrupted', message: `${what}. ${more}` }
}
