import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fileKey, freeKeys } from '../../src/result-format/file-keys.ts'

const hashed = (path: Uint8Array) => `~${createHash('sha256').update(path).digest('hex')}`

describe('fileKey', () => {
  it.each([
    'a',
    'a.txt',
    'dir/file',
    '.hidden',
    'a b/c d',
    'ends with space ',
    'ü/日本/😀',
    '100%?#&+=.txt',
    'a~',
    'dir/~b',
    `${'x'.repeat(255)}/y`,
    `${'x/'.repeat(449)}yy`,
    '...a',
    '\uFEFFbom',
  ])('keeps a safe path as it is: %j', (path) => {
    expect(fileKey(Buffer.from(path))).toBe(path)
  })

  it.each([
    '',
    '~',
    '~a',
    '.',
    '..',
    '...',
    'a/../b',
    'a/./b',
    'a//b',
    '/a',
    'a/',
    ' ',
    'a/ /b',
    '. .',
    'line\nend',
    'tab\t',
    'del\x7f',
    'nel\u0085',
    'non\uFFFE',
    'non\uFFFF',
    'x'.repeat(256),
    `${'ü'.repeat(127)}xx/a`,
    `${'x/'.repeat(450)}y`,
  ])('hashes a path that a store might refuse or mangle: %j', (path) => {
    expect(fileKey(Buffer.from(path))).toBe(hashed(Buffer.from(path)))
  })

  it('hashes a path of invalid UTF-8', () => {
    const path = Buffer.from([0x61, 0xff])
    expect(fileKey(path)).toBe(hashed(path))
  })

  it('gives different paths different keys', () => {
    const name = fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc
        .string({ unit: fc.constantFrom('a', '.', ' ', '/', '~', '\n', 'ü'), maxLength: 6 })
        .map((s) => Buffer.from(s)),
    )
    fc.assert(
      fc.property(name, name, (a, b) => {
        expect(fileKey(a) === fileKey(b)).toBe(Buffer.compare(a, b) === 0)
      }),
      { numRuns: 2000 },
    )
  })

  it('hashes a path that looks like the key of a hashed path', () => {
    const key = fileKey(Buffer.from('a\n'))
    expect(fileKey(Buffer.from(key))).not.toBe(key)
  })

  it('keeps a key that is a safe path', () => {
    fc.assert(
      fc.property(fc.string(), (path) => {
        const key = fileKey(Buffer.from(path))
        if (!key.startsWith('~')) expect(fileKey(Buffer.from(key))).toBe(key)
      }),
    )
  })
})

describe('freeKeys', () => {
  const path = Buffer.from('a/b')
  const hash = hashed(path)

  it.each<[string[], { key: string; hashed: string }]>([
    [[], { key: 'a/b', hashed: hash }],
    [['a/b'], { key: hash, hashed: hash }],
    [[hash], { key: 'a/b', hashed: `${hash}.1` }],
    [['a/b', hash], { key: `${hash}.1`, hashed: `${hash}.1` }],
    [[hash, `${hash}.1`, 'a/b'], { key: `${hash}.2`, hashed: `${hash}.2` }],
  ])('with %j taken are %j', (taken, expected) => {
    expect(freeKeys(path, taken)).toEqual(expected)
  })
})
