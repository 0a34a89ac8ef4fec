import { describe, expect, it } from 'vitest'
import { filesOfTar } from '../../../src/client/results/tar-files.ts'
import { endOfTar, padding, tarHeader } from '../../../src/result-format/tar-header.ts'

const names = ['plain', 'ü', `${'long/'.repeat(50)}name`, 'empty'].map((name) => Buffer.from(name))
names.push(Buffer.from([0x61, 0xff]), Buffer.from([...Buffer.alloc(150, 'x'), 0xff]))

describe('the files of a tar', () => {
  it('come with their names, whatever bytes these are, from chunks that end anywhere', async () => {
    const tar = Buffer.concat([
      member(Buffer.from('folder/'), 'directory', Buffer.alloc(0)),
      ...names.map((name) => member(name, 'file', contentOf(name))),
      endOfTar,
    ])
    for (const size of [1, 511, 512, 700, tar.length]) {
      const files = []
      for await (const file of filesOfTar(inChunks(tar, size), 100)) files.push(file)
      expect(files).toEqual(names.map((path) => ({ path, bytes: contentOf(path) })))
    }
  })

  it.each([
    ['is cut in a member', member(Buffer.from('a'), 'file', Buffer.from('content')).subarray(0, 600)],
    ['has a larger member', member(Buffer.from('a'), 'file', Buffer.alloc(101))],
    ['is no tar', Buffer.alloc(1024, 'x')],
  ])('are refused where it %s', async (_, tar) => {
    await expect(filesOfTar(inChunks(tar, 512), 100).next()).rejects.toMatchObject({ code: 'damaged' })
  })
})

function contentOf(name: Buffer): Buffer {
  return name.equals(Buffer.from('empty')) ? Buffer.alloc(0) : Buffer.from(`content of ${name.length}`)
}

function member(path: Buffer, type: 'file' | 'directory', content: Buffer): Buffer {
  const mtime = { seconds: 1, nanoseconds: 5 }
  const header = tarHeader({ path, type, size: content.length, mode: 0o644, mtime })
  return Buffer.concat([header, content, padding(content.length)])
}

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
