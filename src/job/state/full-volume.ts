import type { Cause } from '../job.ts'
import type { Stored } from './observation.ts'

/**
 * The cause of a failure: StorageFull if the result volume had no space left, which is then the
 * likely cause.
 */
export function orFullVolume(cause: Cause, stored: Stored): Cause {
  const full = figures(stored)
  if (full === undefined) return cause
  const message = `${cause.message}. The volume of the results is full (${full}): ask for more with \`result_storage\``
  return { reason: 'StorageFull', message }
}

/** A remark on a success whose result volume had no space left; undefined if it had some. */
export function fullVolumeNote(stored: Stored): string | undefined {
  const full = figures(stored)
  return (
    full &&
    `The volume of the results was full when the worker ended (${full}): its last files may be incomplete`
  )
}

function figures(stored: Stored): string | undefined {
  const full = stored === 'none' ? undefined : stored.volume_full
  return full && `${megabytes(full.free)} of ${megabytes(full.size)} MB are free`
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toLocaleString('en-US', { maximumFractionDigits: 1 })
}
