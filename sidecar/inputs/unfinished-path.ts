import { createHash } from 'node:crypto'
import { join } from 'node:path'

/** Where an input is written until it is complete. Named by a digest: no input can have this name. */
export function unfinishedPath(directory: string, name: string): string {
  return join(directory, `.${createHash('sha256').update(name).digest('hex')}.part`)
}
