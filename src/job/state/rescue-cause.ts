import type { Cause } from '../job.ts'
import type { Observation } from './observation.ts'

/** The cause that a job shows while a rescue runs. */
export function rescuing({ rescue }: Observation): Cause | undefined {
  if (rescue?.state !== 'running') return undefined
  const trouble = rescue.message === undefined ? '' : `; ${rescue.message}`
  const message = `the uploader was ended before it had stored everything; a rescue stores the rest from the volume claim${trouble}`
  return { reason: 'UploadInterrupted', message }
}

/** The cause of a job whose uploader left no manifest that covers its worker's end. */
export function uploadInterrupted(observation: Observation): Cause {
  const what =
    'the uploader was ended before it had stored everything; what its last checkpoint names is kept'
  return { reason: 'UploadInterrupted', message: `${what}. ${ofTheRest(observation)}` }
}

function ofTheRest({ rescue, withoutClaims }: Observation): string {
  if (rescue !== undefined) {
    const trouble = rescue.message === undefined ? '' : `: ${rescue.message}`
    return `A rescue of the rest from the volume claim failed${trouble}`
  }
  if (withoutClaims) return 'For the rest deploy the job again'
  return 'Results on a volume claim (`result_storage_class`) outlive that, and the missing files are stored afterwards'
}
