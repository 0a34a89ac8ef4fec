import { describe, expect, it } from 'vitest'
import {
  type Conditions,
  evaluatePreconditions,
  rangeCounts,
} from '../../../src/results/serve/conditional.ts'
import { parseHttpDate } from '../../../src/results/serve/http-date.ts'

const lastModified = Date.UTC(2025, 0, 2, 3, 4, 5) / 1000
const file = { etag: '"abc"', lastModified }
const same = 'Thu, 02 Jan 2025 03:04:05 GMT'
const earlier = 'Thu, 02 Jan 2025 03:04:04 GMT'
const later = 'Thu, 02 Jan 2025 03:04:06 GMT'

describe('evaluatePreconditions', () => {
  const cases: [Conditions, ReturnType<typeof evaluatePreconditions>][] = [
    [{}, 'proceed'],
    [{ 'if-match': '"abc"' }, 'proceed'],
    [{ 'if-match': '"x", "abc"' }, 'proceed'],
    [{ 'if-match': '*' }, 'proceed'],
    [{ 'if-match': '"x"' }, 'precondition-failed'],
    [{ 'if-match': 'W/"abc"' }, 'precondition-failed'],
    [{ 'if-match': 'abc' }, 'precondition-failed'],
    [{ 'if-match': '"a,b"' }, 'precondition-failed'],
    [{ 'if-unmodified-since': same }, 'proceed'],
    [{ 'if-unmodified-since': later }, 'proceed'],
    [{ 'if-unmodified-since': earlier }, 'precondition-failed'],
    [{ 'if-unmodified-since': 'yesterday' }, 'proceed'],
    [{ 'if-match': '"abc"', 'if-unmodified-since': earlier }, 'proceed'],
    [{ 'if-none-match': '"abc"' }, 'not-modified'],
    [{ 'if-none-match': 'W/"abc"' }, 'not-modified'],
    [{ 'if-none-match': '"x","abc"' }, 'not-modified'],
    [{ 'if-none-match': '*' }, 'not-modified'],
    [{ 'if-none-match': '"x"' }, 'proceed'],
    [{ 'if-none-match': '"x"', 'if-modified-since': same }, 'proceed'],
    [{ 'if-modified-since': same }, 'not-modified'],
    [{ 'if-modified-since': later }, 'not-modified'],
    [{ 'if-modified-since': earlier }, 'proceed'],
    [{ 'if-modified-since': '2025-01-02' }, 'proceed'],
    [{ 'if-match': '"x"', 'if-none-match': '"abc"' }, 'precondition-failed'],
    [{ 'if-match': '"abc"', 'if-none-match': '"abc"' }, 'not-modified'],
    [{ 'if-unmodified-since': same, 'if-modified-since': same }, 'not-modified'],
  ]
  it.each(cases)('%j: %s', (conditions, outcome) => {
    expect(evaluatePreconditions(conditions, file)).toBe(outcome)
  })

  it('ignores date conditions if the file has no modification time', () => {
    expect(
      evaluatePreconditions(
        { 'if-modified-since': later, 'if-unmodified-since': earlier },
        { etag: '"abc"' },
      ),
    ).toBe('proceed')
  })
})

describe('rangeCounts', () => {
  it.each([
    [undefined, true],
    ['"abc"', true],
    ['"x"', false],
    ['W/"abc"', false],
    ['*', false],
    [same, true],
    [earlier, false],
    [later, false],
    ['nonsense', false],
  ])('If-Range %j: %j', (condition, counts) => {
    expect(rangeCounts({ 'if-range': condition }, file)).toBe(counts)
  })
})

describe('parseHttpDate', () => {
  it.each([
    ['Sun, 06 Nov 1994 08:49:37 GMT', '1994-11-06T08:49:37Z'],
    ['Sunday, 06-Nov-94 08:49:37 GMT', '1994-11-06T08:49:37Z'],
    ['Sun Nov  6 08:49:37 1994', '1994-11-06T08:49:37Z'],
    ['Friday, 20-Nov-76 00:00:00 GMT', '2076-11-20T00:00:00Z'],
    ['Saturday, 20-Nov-77 00:00:00 GMT', '1977-11-20T00:00:00Z'],
    ['Thu, 01 Jan 0099 00:00:00 GMT', '0099-01-01T00:00:00Z'],
  ])('reads %s', (text, iso) => {
    expect(parseHttpDate(text, new Date('2026-11-20T00:00:00Z'))).toBe(Date.parse(iso) / 1000)
  })

  it.each([
    '',
    '0',
    '2025-01-02T03:04:05Z',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    'Sun, 6 Nov 1994 08:49:37 GMT',
  ])('refuses %j', (text) => {
    expect(parseHttpDate(text)).toBeUndefined()
  })
})
