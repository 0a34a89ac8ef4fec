import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { fullVolume } from '../../../sidecar/scan/volume-space.ts'

it('gives nothing for a volume with room, nor for a missing directory', () => {
  const directory = mkdtempSync(join(tmpdir(), 'full-volume-'))
  expect(fullVolume(directory)).toBeUndefined()
  rmSync(directory, { recursive: true })
  expect(fullVolume(directory)).toBeUndefined()
})
