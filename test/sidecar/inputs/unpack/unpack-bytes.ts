import { createWriteStream, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { expect } from 'vitest'
import { unpack } from '../../../../sidecar/inputs/unpack/unpack.ts'
import type { ArchiveKind } from '../../../../src/job/inputs/input-list.ts'
import { temporaryFolder } from '../../../support/files/temporary-folder.ts'

/** Unpacks into a folder beside one that must stay as it is. */
export async function unpackBytes(
  bytes: Buffer,
  kind: ArchiveKind = 'tar',
  limits = { bytes: 2 ** 20, entries: 100 },
) {
  const root = temporaryFolder()
  const [archive, folder] = [join(root, 'archive'), join(root, 'folder')]
  mkdirSync(folder)
  await pipeline([bytes], createWriteStream(archive))
  const error: unknown = await unpack(archive, kind, folder, limits, new AbortController().signal).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(readdirSync(root).sort()).toEqual(['archive', 'folder'])
  return { folder, error }
}
