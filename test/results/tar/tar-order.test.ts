import { describe, expect, it } from 'vitest'
import type { Entry } from '../../../src/result-format/entry.ts'
import { directoriesLast } from '../../../src/results/tar/tar-order.ts'
import { collect } from '../../result-format/fixtures.ts'
import { each } from '../../support/each.ts'

const entry = (path: string): Entry =>
  path.endsWith('/') ? { path: path.slice(0, -1), type: 'directory' } : { path, type: 'file' }

async function ordered(...paths: string[]): Promise<string[]> {
  const sorted = paths
    .map(entry)
    .sort((a, b) => Buffer.compare(Buffer.from(a.path ?? ''), Buffer.from(b.path ?? '')))
  const entries = await collect(directoriesLast(each(sorted)))
  return entries.map((e) => (e.type === 'directory' ? `${e.path}/` : `${e.path}`))
}

describe('directoriesLast', () => {
  it('puts a directory after its content, independent of the names beside it', async () => {
    expect(await ordered('a/', 'a.txt', 'a/b', 'a/c/', 'a/c/d', 'a0')).toEqual([
      'a.txt',
      'a/b',
      'a/c/d',
      'a/c/',
      'a/',
      'a0',
    ])
    expect(await ordered('a/', 'a-/', 'a-/x', 'a.b/', 'a/x')).toEqual(['a-/x', 'a-/', 'a.b/', 'a/x', 'a/'])
    expect(await ordered('a/', 'b/', 'b/c/')).toEqual(['a/', 'b/c/', 'b/'])
  })
})
