import { describe, expect, it } from 'vitest'
import type { Entry } from '../../../src/result-format/entry.ts'
import { planRuns } from '../../../src/results/tar/plan-runs.ts'

/** `a@0+10`: ten bytes at offset 0 of pack a; `a@`: a file outside packs, with object a. */
function entry(text: string): Entry {
  const [, key = '', offset = '', size = '5'] = /^(\w+)@(\d*)\+?(\d*)$/.exec(text) ?? []
  const file: Entry = { path: text, type: 'file', size: Number(size), sha256: '', key, etag: `of ${key}` }
  return offset === '' ? file : { ...file, offset: Number(offset) }
}

const limits = { bytes: 100, gap: 10 }

describe('a run', () => {
  it.each<[string, string[], [number, string[]][]]>([
    ['consists of neighbours', ['a@0+10', 'a@15+10', 'a@30+5'], [[35, ['a@0+10', 'a@15+10', 'a@30+5']]]],
    ['needs at least two files', ['a@0+10'], []],
    ['never contains a file outside packs', ['a@', 'b@'], []],
    ['continues after a file outside packs', ['a@0+10', 'x@', 'a@15+10'], [[25, ['a@0+10', 'a@15+10']]]],
    [
      'ends at the end of its pack',
      ['a@0+10', 'a@15+10', 'b@0+10', 'b@15+10'],
      [
        [25, ['a@0+10', 'a@15+10']],
        [25, ['b@0+10', 'b@15+10']],
      ],
    ],
    [
      'ends at a gap above the limit',
      ['a@0+10', 'a@20+10', 'a@41+10', 'a@51+1'],
      [
        [30, ['a@0+10', 'a@20+10']],
        [11, ['a@41+10', 'a@51+1']],
      ],
    ],
    ['is filled up to the limit of bytes', ['a@0+50', 'a@50+50', 'a@100+1'], [[100, ['a@0+50', 'a@50+50']]]],
    ['never contains a file above the limit of bytes', ['a@0+101', 'a@101+1'], []],
    [
      'has increasing offsets only',
      ['a@50+10', 'a@60+10', 'a@0+10', 'a@10+5'],
      [
        [20, ['a@50+10', 'a@60+10']],
        [15, ['a@0+10', 'a@10+5']],
      ],
    ],
    ['contains no byte twice', ['a@0+10', 'a@0+10'], []],
    ['may consist of empty files', ['a@0+0', 'a@0+0', 'a@5+0'], [[5, ['a@0+0', 'a@0+0', 'a@5+0']]]],
  ])('%s', (_, texts, runs) => {
    const planned = planRuns(texts.map(entry), limits)
    expect(planned.map(({ length, files }) => [length, files.map(({ path }) => path)])).toEqual(runs)
    for (const { offset, files } of planned) expect(offset).toBe(files[0]?.offset)
  })

  it('skips files with an error, and ends at another version of its pack', () => {
    const unread: Entry = { ...entry('a@10+10'), error: 'EIO' }
    const other: Entry = { ...entry('a@20+10'), etag: 'another' }
    expect(planRuns([entry('a@0+10'), unread, entry('a@10+5'), other], limits)).toMatchObject([
      { length: 15 },
    ])
  })
})
