import { expect, it } from 'vitest'
import { staysInside } from '../../../../src/client/download/names/link-target.ts'

it.each<[string, string, boolean, Record<string, string>]>([
  ['l', 'file', true, {}],
  ['a/l', '../b', true, {}],
  ['a/l', '..', true, {}],
  ['l', '..', false, {}],
  ['l', '/etc', false, {}],
  ['l', '', false, {}],
  ['a/l', '../../a', false, {}],
  // Through the shortcut to the top, ".." leads out, though the text alone would not.
  ['a/b/e', 's/../x', false, { 'a/b/s': '../..' }],
  // Through the shortcut downwards it does not.
  ['l', 'deep/../x', true, { deep: 'a/b' }],
  ['l', 'other/x', false, { other: '/etc' }],
  ['l', 'm', false, { l: 'm', m: 'l' }],
])('a link at %j to %j stays inside: %j', (path, target, expected, links) => {
  expect(staysInside(path, target, new Map(Object.entries(links)))).toBe(expected)
})
