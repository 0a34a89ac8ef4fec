import { expect, it } from 'vitest'
import { asFetched } from '../../../src/lifecycle/deploy/stored-inputs.ts'
import { recordOf } from '../janitor/setup.ts'

it('an input that the job fetched has its digest and is needed, another one stays as it was asked for', () => {
  const sha256 = 'a'.repeat(64)
  const file = { from: 'https://example.org/a?key=1', to: 'a', optional: true }
  const folder = { from: 's3://bucket/b/', to: 'b', secret: 'keys', optional: true }
  const absent = { from: 'https://example.org/c', to: 'c', optional: true }
  const { job } = recordOf(
    {},
    {
      inputs: [
        { source: 'https://example.org/a', to: 'a', size: 1, sha256 },
        { source: folder.from, to: 'b', size: 1, sha256: 'b'.repeat(64), files: 1 },
      ],
    },
  )
  expect(asFetched([file, folder, absent], job)).toEqual([
    { from: file.from, to: 'a', sha256 },
    { from: folder.from, to: 'b', secret: 'keys' },
    absent,
  ])
})
