import { expect, it } from 'vitest'
import { fullVolumeNote, orFullVolume } from '../../../src/job/state/full-volume.ts'
import type { ManifestHead } from '../../../src/result-format/manifest/manifest.ts'

const cause = { reason: 'Error', message: 'the worker exited with code 1' } as const

it.each(['none', head({})] as const)('keeps the cause if the volume had room: %j', (stored) => {
  expect(orFullVolume(cause, stored)).toBe(cause)
  expect(fullVolumeNote(stored)).toBeUndefined()
})

it('shows a failure on a full volume as StorageFull, with the failure and the sizes', () => {
  const { reason, message } = orFullVolume(cause, head({ volume_full: { size: 18_400_000, free: 1024 } }))
  expect(reason).toBe('StorageFull')
  expect(message).toBe(
    'the worker exited with code 1. The volume of the results is full (0 of 18.4 MB are free): ask for more with `result_storage`',
  )
})

it('warns of a success on a full volume', () => {
  expect(fullVolumeNote(head({ volume_full: { size: 2_000_000_000, free: 500_000 } }))).toContain(
    '0.5 of 2,000 MB are free',
  )
})

function head(changes: Partial<ManifestHead>): ManifestHead {
  const tally = { count: 1, bytes: 1, errors: 0 }
  return { version: 1, job: 'j', attempt: 'a', scan_started_at: '', ...tally, ...changes }
}
