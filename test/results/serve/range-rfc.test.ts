import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseRange } from '../../../src/results/serve/range.ts'
import { defined } from '../../../src/util/objects.ts'
import { call } from '../../http/client.ts'
import { expectSame } from '../../support/expect-same.ts'
import { putFile, serve } from '../served.ts'
import { demanded } from './range-oracle.ts'

const number = fc.oneof(fc.constant(''), fc.nat(12).map(String), fc.bigInt({ min: 0n }).map(String))
const blank = fc.constantFrom('', '', '', ' ', '\t', ' \t ')
const spec = fc.tuple(blank, number, fc.constantFrom('-', '-', '-', '', '--', ' - '), number, blank)
const set = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: spec.map((parts) => parts.join('')) },
    { weight: 1, arbitrary: fc.constantFrom('', ' ', 'a-b', '0x1-2', '-1-2', '+1-') },
  ),
  { minLength: 1, maxLength: 3 },
)
const unit = fc.constantFrom('bytes', 'bytes', 'bytes', 'Bytes', 'bytes ', 'byte', 'lines', '')
const header = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(unit, set).map(([name, specs]) => `${name}=${specs.join(',')}`) },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(...'bytes=0123,- \t'), maxLength: 20 }) },
)

it('parses every Range header as RFC 9110 demands', () => {
  fc.assert(
    fc.property(header, fc.nat(12), (text, size) => {
      const range = parseRange(text.trim(), size)
      const expected = demanded(text.trim(), size)
      const parsed =
        range.kind === 'range'
          ? { first: range.start, last: range.end }
          : { whole: 'ignore', unsatisfiable: 'unsatisfiable' }[range.kind]
      expectSame<unknown>(parsed, expected)
    }),
    { numRuns: 20_000 },
  )
})

const contents = ['', 'a', 'hello, worl']
const etagOf = (text: string) => `"${createHash('sha256').update(text).digest('hex')}"`
/** The files' Last-Modified in the three forms of §5.6.7. */
const sameDates = [
  'Thu, 02 Jan 2025 03:04:05 GMT',
  'Thursday, 02-Jan-25 03:04:05 GMT',
  'Thu Jan  2 03:04:05 2025',
]
/** If-Range values, and whether each holds: §13.1.5 demands a strong match or the same date. */
const conditions: fc.Arbitrary<[(etag: string) => string, boolean]> = fc.constantFrom(
  [(etag: string) => etag, true],
  ...sameDates.map((date): [(etag: string) => string, boolean] => [() => date, true]),
  [(etag: string) => `W/${etag}`, false],
  [(etag: string) => `${etag}, ${etag}`, false],
  [() => '"other"', false],
  [() => '*', false],
  [() => 'Thu, 02 Jan 2025 03:04:06 GMT', false],
  [() => 'Thu, 02 Jan 2025 03:04:04 GMT', false],
  [() => 'whenever', false],
)

it('answers every Range and If-Range over HTTP with the bytes that RFC 9110 demands', async () => {
  const { url } = await serve((store) =>
    Promise.all(contents.map((text, index) => putFile(store, `f${index}`, text))),
  )
  const { pathname } = new URL(url)
  const method = fc.constantFrom('GET', 'GET', 'GET', 'HEAD')
  const file = fc.nat(contents.length - 1)
  await fc.assert(
    fc.asyncProperty(header, fc.option(conditions), method, file, async (range, condition, verb, index) => {
      const content = contents[index] ?? ''
      const ifRange = condition?.[0](etagOf(content))
      const answer = await call(url, {
        method: verb,
        path: `${pathname}?file=f${index}`,
        headers: { range, ...defined({ 'if-range': ifRange }) },
      })
      const counts = verb === 'GET' && (condition?.[1] ?? true)
      const expected = counts ? demanded(range.trim(), content.length) : 'ignore'
      expect(seenOf(answer)).toEqual(demandedAnswer(expected, content, verb))
    }),
    { numRuns: 500 },
  )
})

function seenOf({ status, headers, body }: Awaited<ReturnType<typeof call>>) {
  const range = headers['content-range']
  const length = headers['content-length']
  return status === 416 ? { status, range } : { status, range, length, body: body.toString() }
}

function demandedAnswer(expected: ReturnType<typeof demanded>, content: string, method: string) {
  const size = content.length
  if (expected === 'unsatisfiable') return { status: 416, range: `bytes */${size}` }
  if (expected === 'ignore') {
    return { status: 200, range: undefined, length: String(size), body: method === 'GET' ? content : '' }
  }
  const { first, last } = expected
  const body = content.slice(first, last + 1)
  return { status: 206, range: `bytes ${first}-${last}/${size}`, length: String(body.length), body }
}
