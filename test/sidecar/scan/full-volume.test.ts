import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { fullVolume } from '../../../sidecar/scan/full-volume.ts'

it('says nothing of a volume with room, nor of a directory that is gone', () => {
  const directory = mkdtempSync(join(tmpdir(), 'full-volume-'))
  expect(fullVolume(directory)).toBeUndefined()
  rmSync(directory, { recursive: true })
  expect(fullVolume(directory)).toBeUndefined()
})
