import { describe, expect, it } from 'vitest'
import { heardWord } from '../../../src/job/word/heard-word.ts'
import { parseProgress } from '../../../src/job/word/progress-file.ts'
import { parseValues } from '../../../src/job/word/values-file.ts'

describe('progress.json', () => {
  it('has a percentage, a message or both', () => {
    expect(parseProgress('{"percent": 12.5, "message": "x"}')).toEqual({
      progress: { percent: 12.5, message: 'x' },
    })
    expect(parseProgress('{"percent": 0}')).toEqual({ progress: { percent: 0 } })
    expect(parseProgress('{"message": "x", "other": 1}')).toEqual({ progress: { message: 'x' } })
  })

  it.each([
    ['{"percent": 140}', 100, 'has the percent 140, shown as 100'],
    ['{"percent": -1}', 0, 'has the percent -1, shown as 0'],
    ['{"percent": 1e999}', undefined, 'a percent that is no number from 0 to 100'],
    ['{"percent": "40"}', undefined, 'a percent that is no number from 0 to 100'],
    ['{"message": 1}', undefined, 'a message that is no string'],
    ['{}', undefined, 'neither percent nor message'],
    ['[1]', undefined, 'no JSON object; right is {"percent": 40'],
    ['40%', undefined, 'not JSON; right is {"percent": 40'],
    ['', undefined, 'not JSON'],
    ['['.repeat(16_000), undefined, 'not JSON'],
  ])('%.20s: the problem is named', (text, percent, problem) => {
    const parsed = parseProgress(text)
    expect(parsed.progress?.percent).toBe(percent)
    expect(parsed.problem).toContain(problem)
  })

  it('with a message that is too long shows its beginning, and cuts no character in two', () => {
    const { progress, problem } = parseProgress(JSON.stringify({ message: `${'x'.repeat(498)}😀😀` }))
    expect(progress?.message).toBe(`${'x'.repeat(498)}…`)
    expect(problem).toContain('more than 500 characters, which is cut off')
  })
})

describe('values.json', () => {
  it('is any JSON object', () => {
    expect(parseValues('{"a": {"b": [1, null, "ü"]}, "__proto__": 1}')).toEqual({
      values: JSON.parse('{"a": {"b": [1, null, "ü"]}, "__proto__": 1}'),
    })
  })

  it.each([
    ['{"a": ', 'not JSON'],
    ['NaN', 'not JSON'],
    ['[1]', 'no JSON object, like {"accuracy": 0.93}'],
    [`{"a": ${'['.repeat(16)}${']'.repeat(16)}}`, 'nested more than 16 deep'],
    [`{"a": ${'['.repeat(32_000)}${']'.repeat(32_000)}}`, 'ignored'],
  ])('%.20s: the problem is named', (text, problem) => {
    expect(parseValues(text)).toEqual({ problem: expect.stringContaining(problem) })
  })
})

describe('the end of an uploader’s log', () => {
  const line = (fields: object, time = '2026-01-01T00:00:00.000Z') =>
    JSON.stringify({ level: 'info', time, ...fields })

  it('has the worker’s word in the last line that says it', () => {
    const log = [line({ word: { percent: 1 } }), line({ word: { percent: 2 }, silent_seconds: 9 }), line({})]
    expect(heardWord(`${log.join('\n')}\n`)).toEqual({
      ...{ word: { percent: 2 }, at: Date.parse('2026-01-01T00:00:00Z'), silentSeconds: 9 },
    })
  })

  it('has none without such a line', () => {
    expect(heardWord('')).toBeUndefined()
    expect(heardWord(`${line({ word: 'x' })}\n{"word":{}}\nnot JSON`)).toBeUndefined()
  })

  it('is never taken for more than it may be', () => {
    const word = { percent: 400, message: 'm'.repeat(9000), values_bytes: 1e9, updated_at: 'soon', other: 1 }
    expect(heardWord(line({ word }))?.word).toEqual({ message: 'm'.repeat(500) })
  })
})
