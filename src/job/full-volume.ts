import type { Cause } from './job.ts'
import type { Stored } from './observation.ts'

/** A failure's cause, where the result volume had no room left: that is likelier to be it than chance. */
export function orFullVolume(cause: Cause, stored: Stored): Cause {
  const full = figures(stored)
  if (full === undefined) return cause
  const message = `${cause.message}. The volume of the results is full (${full}): ask for more with \`result_storage\``
  return { reason: 'StorageFull', message }
}

/** What is to be said of a success on a volume that had no room left; undefined where it had. */
export function fullVolumeNote(stored: Stored): string | undefined {
  const full = figures(stored)
  return (
    full && `The volume of the results was full when the worker ended (${full}): its last files may be short`
  )
}

function figures(stored: Stored): string | undefined {
  const full = stored === 'none' ? undefined : stored.volume_full
  return full && `${megabytes(full.free)} of ${megabytes(full.size)} MB are free`
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toLocaleString('en-US', { maximumFractionDigits: 1 })
}
