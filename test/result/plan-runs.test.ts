import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/artifact/entry.ts'
import { planRuns } from '../../src/result/plan-runs.ts'

/** `a@0+10`: ten bytes at offset 0 of pack a; `a@`: of an object of its own. */
function entry(text: string): Entry {
  const [, key = '', offset = '', size = '5'] = /^(\w+)@(\d*)\+?(\d*)$/.exec(text) ?? []
  const file: Entry = { path: text, type: 'file', size: Number(size), sha256: '', key, etag: `of ${key}` }
  return offset === '' ? file : { ...file, offset: Number(offset) }
}

const limits = { bytes: 100, gap: 10 }

describe('a run', () => {
  it.each<[string, string[], [number, string[]][]]>([
    ['is made of neighbours', ['a@0+10', 'a@15+10', 'a@30+5'], [[35, ['a@0+10', 'a@15+10', 'a@30+5']]]],
    ['is not made of one file', ['a@0+10'], []],
    ['is made of nothing else', ['a@', 'b@'], []],
    ['goes on behind others', ['a@0+10', 'x@', 'a@15+10'], [[25, ['a@0+10', 'a@15+10']]]],
    [
      'ends with its pack',
      ['a@0+10', 'a@15+10', 'b@0+10', 'b@15+10'],
      [
        [25, ['a@0+10', 'a@15+10']],
        [25, ['b@0+10', 'b@15+10']],
      ],
    ],
    [
      'ends where too much lies between',
      ['a@0+10', 'a@20+10', 'a@41+10', 'a@51+1'],
      [
        [30, ['a@0+10', 'a@20+10']],
        [11, ['a@41+10', 'a@51+1']],
      ],
    ],
    ['takes what it may and no more', ['a@0+50', 'a@50+50', 'a@100+1'], [[100, ['a@0+50', 'a@50+50']]]],
    ['is not made with a file that is too large', ['a@0+101', 'a@101+1'], []],
    [
      'never goes back',
      ['a@50+10', 'a@60+10', 'a@0+10', 'a@10+5'],
      [
        [20, ['a@50+10', 'a@60+10']],
        [15, ['a@0+10', 'a@10+5']],
      ],
    ],
    ['has no bytes twice', ['a@0+10', 'a@0+10'], []],
    ['is made of empty files too', ['a@0+0', 'a@0+0', 'a@5+0'], [[5, ['a@0+0', 'a@0+0', 'a@5+0']]]],
  ])('%s', (_, texts, runs) => {
    const planned = planRuns(texts.map(entry), limits)
    expect(planned.map(({ length, files }) => [length, files.map(({ path }) => path)])).toEqual(runs)
    for (const { offset, files } of planned) expect(offset).toBe(files[0]?.offset)
  })

  it('leaves out what can not be read, and ends with another version of its pack', () => {
    const unread: Entry = { ...entry('a@10+10'), error: 'EIO' }
    const other: Entry = { ...entry('a@20+10'), etag: 'another' }
    expect(planRuns([entry('a@0+10'), unread, entry('a@10+5'), other], limits)).toMatchObject([
      { length: 15 },
    ])
  })
})
