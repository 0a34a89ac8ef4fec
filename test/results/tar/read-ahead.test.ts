import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../../src/result-format/entry.ts'
import { type Member, readAhead, type SendFile } from '../../../src/results/tar/read-ahead.ts'
import { each } from '../../support/each.ts'

const mebibyte = 1024 * 1024

function files(count: number, size: number): Entry[] {
  return Array.from({ length: count }, (_, index) => {
    const path = `file ${index}`
    return { path, type: 'file', size, mode: '0644', sha256: 'a'.repeat(64), key: path, etag: 'b' } as Entry
  })
}

/** Sends each file in two chunks with its path; `open` has the paths of the reads in progress. */
function store(fails?: string) {
  const open = new Set<string>()
  let most = 0
  const send: SendFile = async ({ path = '', size }, sink) => {
    open.add(path)
    most = Math.max(most, open.size)
    try {
      await sink(Buffer.from(`${path}, `))
      await turn()
      if (path === fails) throw new Error(`${path} is damaged`)
      await sink(Buffer.from('whole'.padEnd(size - `${path}, `.length, '.')))
    } finally {
      open.delete(path)
    }
  }
  return { send, open, most: () => most }
}

async function textOf({ content }: Member): Promise<string> {
  const chunks: Buffer[] = []
  await content?.(async (chunk) => void chunks.push(Buffer.from(chunk)))
  return Buffer.concat(chunks).toString().replace(/\.+$/, '')
}

describe('reading ahead', () => {
  it.each([
    ['small', 4096, 300],
    ['middle-sized', 100_000, 50],
    ['large', mebibyte, 10],
  ])('gives all %s files whole and in their order', async (_, size, count) => {
    const entries = files(count, size)
    const texts: string[] = []
    for await (const member of readAhead(each(entries), store().send)) texts.push(await textOf(member))
    expect(texts).toEqual(entries.map(({ path }) => `${path}, whole`))
  })

  it('opens at most the next two large files while one is sent', async () => {
    const { send, open, most } = store()
    for await (const member of readAhead(each(files(20, mebibyte)), send)) {
      await turn()
      if (member.entry.path === 'file 0') expect([...open]).toEqual([0, 1, 2].map((n) => `file ${n}`))
      await textOf(member)
    }
    expect(most()).toBe(3)
    expect(open.size).toBe(0)
  })

  it.each([
    [64 * 1024, 17],
    [200_000, 6],
  ])('reads ahead 1 MiB of files of %d bytes beside the one that is sent', async (size, count) => {
    const sizes: number[] = []
    const send: SendFile = async (file, sink) => {
      sizes.push(file.size)
      await sink(Buffer.alloc(file.size))
    }
    const members = readAhead(each(files(100, size)), send)
    await members.next()
    expect(sizes).toHaveLength(count)
    await members.return()
  })

  it.each([
    ['in the middle of a file', true],
    ['before a file', false],
  ])('ends its reads if its caller returns %s', async (_, reads) => {
    const { send, open } = store()
    const members = readAhead(each(files(100, mebibyte)), send)
    const { value } = await members.next()
    const failed = new Error('the reader went away')
    if (reads) await expect(value?.content?.(() => Promise.reject(failed))).rejects.toBe(failed)
    await members.return()
    await turn()
    expect(open.size).toBe(0)
  })

  it("fails at a damaged file's turn, even if its read failed earlier", async () => {
    const { send } = store('file 3')
    const texts: string[] = []
    const all = async () => {
      for await (const member of readAhead(each(files(10, 4096)), send)) texts.push(await textOf(member))
    }
    await expect(all()).rejects.toThrow('file 3 is damaged')
    expect(texts).toHaveLength(3)
  })

  it('passes on a directory without content', async () => {
    const directory: Entry = { path: 'a', type: 'directory', mode: '0755' }
    const seen: Member[] = []
    for await (const member of readAhead(each([directory]), store().send)) seen.push(member)
    expect(seen).toEqual([{ entry: directory }])
  })
})
