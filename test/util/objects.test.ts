import { expect, expectTypeOf, test } from 'vitest'
import { defined, isObject, parseJsonObject } from '../../src/util/objects.ts'

test('an object is parsed', () => {
  expect(parseJsonObject('{"a": [1]}')).toEqual({ a: [1] })
})

test.each([undefined, '', 'a', '{', 'null', '1', '"a"', '[]'])('%j is no object', (text) => {
  expect(parseJsonObject(text)).toBeUndefined()
})

test.each<[unknown, boolean]>([
  [{}, true],
  [[], false],
  [null, false],
  ['text', false],
])('isObject(%j) is %s', (value, expected) => {
  expect(isObject(value)).toBe(expected)
})

test('leaves out properties that are undefined, and keeps all other values', () => {
  const made = defined({ a: undefined, b: null, c: 0, d: '', e: false, f: [] })
  expect(Object.keys(made)).toEqual(['b', 'c', 'd', 'e', 'f'])
  expect(made).toEqual({ b: null, c: 0, d: '', e: false, f: [] })
})

test('makes exactly those properties optional that may be undefined', () => {
  const text = Math.random() < 2 ? 'x' : undefined
  const made: { size: number; text?: string } = { ...defined({ size: 1, text }) }
  expect(made).toEqual({ size: 1, text: 'x' })
  expectTypeOf(defined({ size: 1, text })).toMatchObjectType<{ size: number; text?: string }>()
})
