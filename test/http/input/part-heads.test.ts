import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { boundaryOf, PartHeads } from '../../../src/http/input/part-heads.ts'

const body = Buffer.from(
  [
    'a preamble\r\n--b\r\nContent-Disposition: form-data; name="x"\r\nX: y\r\n\r\nvalue\r\n-- is text\r\n--',
    '\r\n--b\r\n\r\nwithout headers\r\n--b\r\nName: empty\r\n\r\n\r\n--b--\r\nepilogue\r\n--b\r\nNo: part\r\n\r\n',
  ].join(''),
)
const heads = [
  ['\r\nContent-Disposition: form-data; name="x"\r\nX: y', 1],
  ['', 2],
  ['\r\nName: empty', 3],
]

const head = '--b\r\nContent-Disposition: form-data; name="x"\r\n'

describe('the heads of a form', () => {
  test.each([
    [
      'a space after a boundary',
      `${head}\r\nvalue\r\n--b \r\n`,
      'has a space or tab after a boundary in part 1',
    ],
    [
      'a tab before part 1',
      `preamble\r\n--b\t\r\n${head}`,
      'has a space or tab after a boundary before part 1',
    ],
    ['a boundary within a part', `${head}\r\nvalue\r\n--bytes`, 'contains its boundary in part 1'],
    ['half an end', `${head}\r\nvalue\r\n--b-x`, 'contains its boundary in part 1'],
    ['half a line end', `${head}\r\nvalue\r\n--b\rx`, 'contains its boundary in part 1'],
    ['no empty line', `${head}${head}\r\nvalue\r\n--b--`, 'has no empty line in part 1'],
  ])('are refused with %s', (_, text, problem) => {
    for (const size of [1, 5, 1000]) {
      const parts = new PartHeads('b', () => {})
      const add = () => {
        const bytes = Buffer.from(text)
        for (let at = 0; at < bytes.length; at += size) parts.add(bytes.subarray(at, at + size))
      }
      expect(add).toThrow(`body: ${problem}; expected `)
    }
  })

  test.each([1, 2, 3, 5, 7, 64, 1000])('are found in chunks of %i bytes', (size) => {
    const found: [string, number][] = []
    const parts = new PartHeads('b', (head, number) => found.push([head, number]))
    for (let at = 0; at < body.length; at += size) parts.add(body.subarray(at, at + size))
    expect(found).toEqual(heads)
    expect(parts.count).toBe(3)
  })

  test('may begin with the form', () => {
    const parts = new PartHeads('b', () => {})
    parts.add(Buffer.from('--b\r\nA: b\r\n\r\n'))
    expect(parts.count).toBe(1)
  })

  test('take no more memory than a head may have', () => {
    const parts = new PartHeads('b', () => {})
    parts.add(Buffer.from('--b\r\n'))
    const chunk = Buffer.alloc(1_000_000, 'x')
    const before = bytesInBuffers()
    for (let n = 0; n < 100; n++) parts.add(chunk)
    expect(bytesInBuffers() - before).toBeLessThan(chunk.length)
    expect(parts.count).toBe(0)
  })
})

/** Bytes of all buffers that are still referenced. */
function bytesInBuffers(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  // The memory of a collection's buffers counts as free after the next one.
  for (let times = 0; times < 2; times += 1) collect()
  return process.memoryUsage().arrayBuffers
}

test.each([
  ['multipart/form-data; boundary=b', 'b'],
  ['multipart/form-data; charset=utf-8; Boundary="a \\"b"', 'a "b'],
  ['multipart/form-data', undefined],
  [undefined, undefined],
])('the boundary of %s', (type, boundary) => {
  expect(boundaryOf(type)).toBe(boundary)
})
