import { expect, it } from 'vitest'
import { bytesText, durationText, shown, tableText } from '../../../src/cli/terminal/format.ts'
import { progressText, rateOf } from '../../../src/cli/terminal/progress.ts'

it('sizes and times have the unit that people read', () => {
  expect([0, 1023, 1024, 1_572_864, 200 * 2 ** 20, 3 * 2 ** 40].map(bytesText)).toEqual([
    ...['0 B', '1023 B', '1.0 KiB', '1.5 MiB', '200 MiB', '3.0 TiB'],
  ])
  expect([0.4, 59, 65, 7_800, 400_000].map(durationText)).toEqual([
    ...['0 s', '59 s', '1 min 05 s', '2 h 10 min', '4 d'],
  ])
})

it('a text of others moves no cursor', () => {
  expect(shown('a\u001b[2Jb\n\u202eü')).toBe('a\\u001b[2Jb\\u000a\\u202eü')
})

it('columns are as wide as their widest cell', () => {
  expect(
    tableText([
      ['a', 'bb'],
      ['ccc', ''],
    ]),
  ).toBe('a    bb\nccc')
})

it('progress has its share, rate and time left', () => {
  const rate = rateOf([
    { at: 0, bytes: 0 },
    { at: 2_000, bytes: 2 * 2 ** 20 },
  ])
  const totals = { bytes: 2 * 2 ** 20, totalBytes: 8 * 2 ** 20, files: 1, totalFiles: 4 }
  expect(progressText('fetching', totals, rate, false)).toBe(
    'fetching  25 %  2.0 MiB of 8.0 MiB  1 of 4 files  1.0 MiB/s  6 s left',
  )
  expect(progressText('fetching', totals, undefined, true)).toContain('[######..................]')
})
