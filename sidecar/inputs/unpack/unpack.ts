import type { ArchiveKind } from '../../../src/job/inputs/input-list.ts'
import type { UnpackLimits } from './unpack-limits.ts'
import { unpackTar } from './unpack-tar.ts'
import { unpackZip } from './unpack-zip.ts'

/**
 * Unpacks an archive into an empty folder. Entries that would lie or lead outside of it, devices and
 * pipes end it, as do more bytes or entries than the limits. Rejects with RefusedEntry, with errors
 * of the file system, and with other errors for what is no archive of that kind.
 */
export async function unpack(
  file: string,
  kind: ArchiveKind,
  folder: string,
  limits: UnpackLimits,
  signal: AbortSignal,
): Promise<void> {
  if (kind === 'zip') await unpackZip(file, folder, limits, signal)
  else await unpackTar(file, kind, folder, limits, signal)
}
