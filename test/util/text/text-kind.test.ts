import { expect, test } from 'vitest'
import { textKind } from '../../../src/util/text/text-kind.ts'

test.each<[title: string, bytes: Buffer, isText: boolean, utf8: 'yes' | 'no']>([
  ['nothing', Buffer.of(), true, 'yes'],
  ['ASCII', Buffer.from('a\tb\r\n'), true, 'yes'],
  ['UTF-8', Buffer.from('Müller €\n'), true, 'yes'],
  ['UTF-8 that is cut in a character', Buffer.from('ü€').subarray(0, 4), true, 'no'],
  ['Latin-1', Buffer.from('Müller\n', 'latin1'), true, 'no'],
  ['Latin-1 with an accent at the end', Buffer.from('café', 'latin1'), true, 'no'],
  ['Shift-JIS', Buffer.from([0x93, 0xfa, 0x96, 0x7b, 0x0a]), true, 'no'],
  ['UTF-16 with a byte order mark', Buffer.from('\uFEFFa', 'utf16le'), true, 'no'],
  ['colours of a terminal', Buffer.from('\x1b[31mred\x1b[0m\b\x07'), true, 'yes'],
  ['control characters', Buffer.from([0, 1, 2]), false, 'yes'],
  ['a compressed file', Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0xff]), false, 'no'],
])('%s', (_, bytes, isText, utf8) => {
  expect(textKind(bytes, true)).toEqual({ isText, hasHoles: false, utf8 })
})

test.each<[title: string, bytes: Buffer, utf8: 'yes' | 'maybe' | 'no']>([
  ['ASCII may be followed by any encoding', Buffer.from('abc\n'), 'maybe'],
  ['a character of several bytes shows UTF-8', Buffer.from('Müller\n'), 'yes'],
  ['a byte order mark shows UTF-8', Buffer.from('\uFEFFabc'), 'yes'],
  ['a cut character after a whole one is no error', Buffer.from('ü€').subarray(0, 4), 'yes'],
  ['a cut character may be an accent of Latin-1', Buffer.from('caf\xe9', 'latin1'), 'maybe'],
  ['Latin-1 is not UTF-8', Buffer.from('Müller\n', 'latin1'), 'no'],
])('of a beginning: %s', (_, bytes, utf8) => {
  expect(textKind(bytes, false)).toEqual({ isText: true, hasHoles: false, utf8 })
})

test('a text with NULs has holes', () => {
  expect(textKind(Buffer.from('a\0ü'), true)).toEqual({ isText: false, hasHoles: true, utf8: 'yes' })
})
