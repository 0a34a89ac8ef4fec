import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/artifact/entry.ts'
import { type Begun, readAhead } from '../../src/result/read-ahead.ts'
import type { ReadableFile } from '../../src/result/readable-file.ts'
import { each } from '../support/each.ts'

const mebibyte = 1024 * 1024

function files(count: number, size: number): Entry[] {
  return Array.from({ length: count }, (_, index) => {
    const path = `file ${index}`
    return { path, type: 'file', size, mode: '0644', sha256: 'a'.repeat(64), key: path, etag: 'b' } as Entry
  })
}

/** A store whose files are two chunks that name them; it knows who was begun and not ended yet. */
function store(fails?: string) {
  const open = new Set<string>()
  let most = 0
  async function* read({ path = '', size }: ReadableFile): AsyncGenerator<Buffer, void> {
    open.add(path)
    most = Math.max(most, open.size)
    try {
      yield Buffer.from(`${path}, `)
      await turn()
      if (path === fails) throw new Error(`${path} is damaged`)
      yield Buffer.from('whole'.padEnd(size - `${path}, `.length, '.'))
    } finally {
      open.delete(path)
    }
  }
  return { read, open, most: () => most }
}

async function textOf({ bytes }: Begun): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of bytes ?? []) chunks.push(chunk)
  return Buffer.concat(chunks).toString().replace(/\.+$/, '')
}

describe('reading ahead', () => {
  it.each([
    ['small', 4096],
    ['large', mebibyte],
  ])('gives all %s files whole and in their order', async (_, size) => {
    const entries = files(100, size)
    const texts: string[] = []
    for await (const begun of readAhead(each(entries), store().read)) texts.push(await textOf(begun))
    expect(texts).toEqual(entries.map(({ path }) => `${path}, whole`))
  })

  it('has the next four large files open, and no more, while one is sent', async () => {
    const { read, open, most } = store()
    for await (const begun of readAhead(each(files(100, mebibyte)), read)) {
      await turn()
      if (begun.entry.path === 'file 0') expect([...open]).toEqual([0, 1, 2, 3, 4].map((n) => `file ${n}`))
      await textOf(begun)
    }
    expect(most()).toBeLessThanOrEqual(5)
    expect(open.size).toBe(0)
  })

  it('holds a mebibyte of small files', async () => {
    const sizes: number[] = []
    const read = async function* ({ size }: ReadableFile): AsyncGenerator<Buffer, void> {
      sizes.push(size)
      yield Buffer.alloc(size)
    }
    const begun = readAhead(each(files(100, 64 * 1024)), read)
    await begun.next()
    expect(sizes).toHaveLength(17)
    await begun.return()
  })

  it.each([
    ['in the middle of a file', true],
    ['before a file', false],
  ])('closes what it opened when its reader leaves %s', async (_, reads) => {
    const { read, open } = store()
    const begun = readAhead(each(files(100, mebibyte)), read)
    const { value } = await begun.next()
    const bytes = value?.bytes?.[Symbol.asyncIterator]()
    if (reads) {
      await bytes?.next()
      await bytes?.return?.()
    }
    await begun.return()
    await turn()
    expect(open.size).toBe(0)
  })

  it('ends with what a file that was begun fails with, when that is its turn', async () => {
    const { read } = store('file 3')
    const texts: string[] = []
    const all = async () => {
      for await (const begun of readAhead(each(files(10, mebibyte)), read)) texts.push(await textOf(begun))
    }
    await expect(all()).rejects.toThrow('file 3 is damaged')
    expect(texts).toHaveLength(3)
  })

  it('passes on what is no file', async () => {
    const directory: Entry = { path: 'a', type: 'directory', mode: '0755' }
    const seen: Begun[] = []
    for await (const begun of readAhead(each([directory]), store().read)) seen.push(begun)
    expect(seen).toEqual([{ entry: directory }])
  })
})
