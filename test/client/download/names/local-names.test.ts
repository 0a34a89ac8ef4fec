import { describe, expect, it } from 'vitest'
import { LocalNames } from '../../../../src/client/download/names/local-names.ts'

describe('the place of a path', () => {
  it.each([
    ['a/b', 'a/b'],
    ['a/../b', 'a/%2E%2E/b'],
    ['/a', '%2F/a'],
    ['a//b', 'a/%2F/b'],
    ['...', '...'],
    ['a:b', 'a:b'],
    ['.JobFerry/x', '%2EJobFerry/x'],
  ])('of %j is %j on any disk', (path, expected) => {
    expect(placesOf({ windows: false, caseless: false }, path)).toEqual([expected])
  })

  it.each([
    ['a:b', 'a%3Ab'],
    ['a\\..\\b', 'a%5C..%5Cb'],
    ['nul.txt', '%6Eul.txt'],
    ['end.', 'end%2E'],
    ['console', 'console'],
  ])('of %j is %j on Windows', (path, expected) => {
    expect(placesOf({ windows: true, caseless: false }, path)).toEqual([expected])
  })

  it('differs for names that the disk takes for one', () => {
    const places = placesOf({ windows: false, caseless: true }, 'Read', 'read', 'READ', 'é', 'e\u0301')
    expect(places).toEqual(['Read', 'read~2', 'READ~3', 'é', 'e\u0301~2'])
  })
})

function placesOf(rules: { windows: boolean; caseless: boolean }, ...paths: string[]): string[] {
  const names = new LocalNames(rules)
  return paths.map((path) => names.place(Buffer.from(path)).place.toString())
}
