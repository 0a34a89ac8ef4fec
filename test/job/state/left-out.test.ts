import { expect, it } from 'vitest'
import {
  emptyNote,
  filesLeftOut,
  outputMissing,
  reachedLimit,
  skippedNote,
  withLeftOut,
} from '../../../src/job/state/left-out.ts'
import type { ManifestHead } from '../../../src/result-format/manifest/manifest.ts'

it('a whole result lacks nothing', () => {
  for (const stored of ['none', head({})] as const)
    for (const lackIn of [reachedLimit, filesLeftOut, skippedNote, emptyNote])
      expect(lackIn(stored)).toBeUndefined()
})

it('names how many entries are not stored, the first one and why', () => {
  const first_error = { path: '"secret"', error: 'EACCES: permission denied' }
  expect(filesLeftOut(head({ count: 9, errors: 3, first_error }))).toEqual({
    reason: 'FilesLeftOut',
    message:
      '3 of 9 entries are not stored whole; the first is "secret" (EACCES: permission denied); the result\'s list has the `error` of each',
  })
})

it('says so of a result of version 0.2, whose manifest names no file', () => {
  expect(filesLeftOut(head({ errors: 1 }))?.message).toBe(
    "1 of 1 entries is not stored whole; the result's list has the `error` of each",
  )
})

it('gives no total of a list that the uploader could not finish', () => {
  const cut = { count: 7, errors: 1, checkpoint: 4 }
  expect(filesLeftOut(head(cut))?.message).toBe(
    "at least 1 of the 7 listed entries is not stored whole; the result's list has the `error` of each; " +
      'further entries may be missing: the uploader ended before it had listed all',
  )
  expect(filesLeftOut(head({ ...cut, all_listed: true }))?.message).toMatch(/^1 of 7 entries is not/)
})

it('names the limit, its value, what is left out and what to do', () => {
  const limits_reached: ManifestHead['limits_reached'] = [
    { name: 'RESULT_MAX_BYTES', value: 1_000_000, left_out: 1, first: '"big"' },
    { name: 'RESULT_MAX_ENTRIES', value: 2000, left_out: 1500, first: '"z"' },
  ]
  const { reason, message } = reachedLimit(head({ limits_reached })) ?? {}
  expect(reason).toBe('StorageFull')
  expect(message).toBe(
    'The result is larger than RESULT_MAX_BYTES (1,000,000 bytes): 1 file is left out, the first is "big". ' +
      'The result has more entries than RESULT_MAX_ENTRIES (2,000): 1,500 names are left out, the first is "z". ' +
      'Leave less in the result directory, divide the work among several jobs, or have the operator raise RESULT_MAX_BYTES and RESULT_MAX_ENTRIES',
  )
})

it('names the required outputs that are missing, and how many more', () => {
  expect(outputMissing('none')).toBeUndefined()
  expect(outputMissing(head({}))).toBeUndefined()
  const outputs_missing = { count: 5, names: ['report.pdf', 'a "b"'] }
  expect(outputMissing(head({ outputs_missing }))).toEqual({
    reason: 'OutputMissing',
    message:
      'the worker succeeded, but no file, folder or link of its result matches what `outputs.required` names: "report.pdf", "a \\"b\\"", and 3 more',
  })
})

it('adds to another cause what the result lacks', () => {
  const cause = { reason: 'OOMKilled', message: 'out of memory' } as const
  expect(withLeftOut(cause, head({}))).toBe(cause)
  const message = withLeftOut(cause, head({ errors: 2 }))?.message
  expect(message).toMatch(/^out of memory\. FilesLeftOut: 2 of 1 entries/)
})

it('remarks on names without content', () => {
  expect(skippedNote(head({ skipped: 1 }))).toMatch(/^1 name is a socket, a FIFO or a device/)
  expect(skippedNote(head({ skipped: 4 }))).toMatch(/^4 names are sockets/)
})

it('remarks on an empty result, and where files are kept', () => {
  expect(emptyNote(head({ count: 0, bytes: 0 }))).toBe(
    'the result is empty: only what the worker leaves in the folder that RESULT_DIRECTORY names is kept',
  )
})

function head(changes: Partial<ManifestHead>): ManifestHead {
  const tally = { count: 1, bytes: 1, errors: 0 }
  return { version: 1, job: 'j', attempt: 'a', scan_started_at: '', ...tally, ...changes }
}
