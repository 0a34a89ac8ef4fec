import type { Cause } from '../../../job/job.ts'
import { messageOf } from '../../../util/errors.ts'
import { isDueToFullDisk } from '../files/disk.ts'
import { SpawnError } from '../process/start-child.ts'

/**
 * The cause that ends a job whose attempt this machine could not run. `program`: the one that a
 * SpawnError is about.
 */
export function machineFailure(error: unknown, program: string): Cause {
  const message = error instanceof SpawnError ? `${program}: ${error.message}` : messageOf(error)
  return { reason: isDueToFullDisk(error) ? 'StorageFull' : 'Error', message }
}
