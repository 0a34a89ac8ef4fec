import { describe, expect, it } from 'vitest'
import { bodyLength, parseHead } from '../../../../src/store/s3/connection/http-head.ts'

function lengthOf(...lines: string[]): number | undefined {
  const head = parseHead(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`))
  if (head === undefined) throw new Error('there is no end')
  return bodyLength(head)
}

describe('the head of an answer', () => {
  it('has its status, its fields regardless of case and blanks, and the start of the body', () => {
    const text =
      'HTTP/1.1 206 Partial Content\r\nETag:"x"\r\nX-One:  a b \t\r\nx-one: c\r\nEmpty:\r\n\r\nbody'
    const head = parseHead(Buffer.from(text))
    expect(head?.status).toBe(206)
    expect(Object.fromEntries(head?.headers ?? [])).toEqual({ etag: '"x"', 'x-one': 'a b, c', empty: '' })
    expect(text.slice(head?.end)).toBe('body')
  })

  it('is incomplete without its last line', () => {
    const text = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'
    for (let length = 0; length < text.length; length++)
      expect(parseHead(Buffer.from(text.slice(0, length)))).toBeUndefined()
    expect(parseHead(Buffer.from(text))?.end).toBe(text.length)
  })

  it.each([
    'HTTP/1.0 200 OK\r\n\r\n',
    'HTTP/2 200\r\n\r\n',
    '220 mail.example ESMTP\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\nno field\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n',
    'HTTP/1.1 200 OK\r\nA: b\r\n folded: c\r\n\r\n',
    'HTTP/1.1 200 OK\r\nA: b\nContent-Length: 5\r\n\r\n',
  ])('%j is refused', (text) => {
    expect(() => parseHead(Buffer.from(text))).toThrow('answer')
  })
})

describe("a body's length", () => {
  it('is Content-Length', () => {
    expect(lengthOf('HTTP/1.1 200 OK', 'Content-Length: 0')).toBe(0)
    expect(lengthOf('HTTP/1.1 206', 'content-length: 5497558138880')).toBe(5 * 2 ** 40)
  })

  it.each([
    [['HTTP/1.1 200 OK']],
    [['HTTP/1.1 200 OK', 'Content-Length: -1']],
    [['HTTP/1.1 200 OK', 'Content-Length: 0x10']],
    [['HTTP/1.1 200 OK', 'Content-Length: 5', 'Content-Length: 6']],
    [['HTTP/1.1 200 OK', 'Content-Length: 5', 'Transfer-Encoding: chunked']],
    [['HTTP/1.1 200 OK', 'Content-Length: 5', 'Content-Encoding: gzip']],
    [['HTTP/1.1 100 Continue', 'Content-Length: 5']],
    [['HTTP/1.1 304 Not Modified', 'Content-Length: 5']],
  ])('is unknown for %j', (lines) => {
    expect(lengthOf(...lines)).toBeUndefined()
  })
})
