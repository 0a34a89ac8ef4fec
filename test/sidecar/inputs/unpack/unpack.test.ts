import { lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { type Header, pack } from 'tar-stream'
import { describe, expect, it } from 'vitest'
import { isBadArchive } from '../../../../sidecar/inputs/unpack/place-entry.ts'
import type { ArchiveKind } from '../../../../src/job/inputs/input-list.ts'
import { unpackBytes } from './unpack-bytes.ts'

type Item = Partial<Header> & { name: string; content?: string }

async function tarOf(items: readonly Item[]): Promise<Buffer> {
  const made = pack()
  for (const { content = '', ...header } of items) made.entry(header, content)
  made.finalize()
  return await buffer(made)
}

const whole: Item[] = [
  { name: './' },
  { name: './a.txt', content: 'a', mtime: new Date('2025-01-02T03:04:05Z') },
  { name: 'deep/folder/run.sh', content: '#!/bin/sh', mode: 0o4711 },
  { name: 'empty', type: 'directory' },
  { name: 'deep/up', type: 'symlink', linkname: '../a.txt' },
  { name: 'same', type: 'link', linkname: 'a.txt' },
  { name: `${'long/'.repeat(40)}é`, content: 'ü' },
]

describe('an archive', () => {
  it.each([
    ['tar', (bytes: Buffer) => bytes],
    ['tar.gz', (bytes: Buffer) => gzipSync(bytes)],
    ['tar.zst', (bytes: Buffer) => zstdCompressSync(bytes)],
  ] as const)('of kind %s is unpacked with its links, times and programs', async (kind, compress) => {
    const { folder, error } = await unpackBytes(compress(await tarOf(whole)), kind)
    expect(error).toBe(undefined)
    expect(readFileSync(join(folder, 'same'), 'utf8')).toBe('a')
    expect(readlinkSync(join(folder, 'deep/up'))).toBe('../a.txt')
    expect(readFileSync(join(folder, `${'long/'.repeat(40)}é`), 'utf8')).toBe('ü')
    expect(lstatSync(join(folder, 'a.txt')).mtime.toISOString()).toBe('2025-01-02T03:04:05.000Z')
    expect(lstatSync(join(folder, 'a.txt')).mode & 0o7777).toBe(0o644)
    expect(lstatSync(join(folder, 'deep/folder/run.sh')).mode & 0o7777).toBe(0o755)
    expect(lstatSync(join(folder, 'empty')).isDirectory()).toBe(true)
  })

  it.each<[string, Item[]]>([
    ['a parent', [{ name: '../outside', content: 'x' }]],
    ['a parent behind a name', [{ name: 'a/../../outside', content: 'x' }]],
    ['an absolute path', [{ name: '/tmp/outside', content: 'x' }]],
    ['a name with a line end', [{ name: 'a\nb', content: 'x' }]],
    ['a link out of the folder', [{ name: 'a', type: 'symlink', linkname: '../..' }]],
    ['an absolute link', [{ name: 'a', type: 'symlink', linkname: '/etc' }]],
    [
      'a file below a link',
      [
        { name: 'd', type: 'symlink', linkname: '.' },
        { name: 'd/x', content: 'x' },
      ],
    ],
    [
      'a link whose way out is another link',
      [
        { name: 'd', type: 'symlink', linkname: '.' },
        { name: 'out', type: 'symlink', linkname: 'd/..' },
      ],
    ],
    [
      'a link below a link',
      [
        { name: 'd', type: 'symlink', linkname: '.' },
        { name: 'd/out', type: 'symlink', linkname: '../archive' },
      ],
    ],
    ['a hard link out of the folder', [{ name: 'a', type: 'link', linkname: '../archive' }]],
    ['a hard link to nothing', [{ name: 'a', type: 'link', linkname: 'b' }]],
    [
      'a hard link to a link',
      [
        { name: 'b', type: 'symlink', linkname: 'c' },
        { name: 'a', type: 'link', linkname: 'b' },
      ],
    ],
    [
      'a file in the place of a folder',
      [
        { name: 'a/b', content: 'x' },
        { name: 'a', content: 'x' },
      ],
    ],
    [
      'a folder in the place of a file',
      [
        { name: 'a', content: 'x' },
        { name: 'a', type: 'directory' },
      ],
    ],
    ['a device', [{ name: 'a', type: 'character-device', devmajor: 1, devminor: 3 }]],
    ['a pipe', [{ name: 'a', type: 'fifo' }]],
    ['more bytes than it may have', [{ name: 'a', content: 'x'.repeat(2 ** 20 + 1) }]],
    ['more entries than it may have', Array.from({ length: 101 }, (_, n) => ({ name: `${n}` }))],
  ])('with %s is refused', async (_, items) => {
    const { error } = await unpackBytes(await tarOf(items))
    expect(error).toBeInstanceOf(Error)
    expect(isBadArchive(error)).toBe(true)
  })

  it('writes a file in the place of an earlier link, not through it', async () => {
    const { folder, error } = await unpackBytes(
      await tarOf([
        { name: 'kept', content: 'kept' },
        { name: 'a', type: 'symlink', linkname: 'kept' },
        { name: 'a', content: 'new' },
      ]),
    )
    expect(error).toBe(undefined)
    expect(readFileSync(join(folder, 'kept'), 'utf8')).toBe('kept')
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('new')
  })

  it('of a few bytes that grow to gigabytes ends at the limit', async () => {
    const zeros = gzipSync(await tarOf([{ name: 'a', content: '\0'.repeat(64 * 2 ** 20) }]))
    const { error } = await unpackBytes(zeros, 'tar.gz')
    expect(String(error)).toMatch(/more than 1048576 bytes/)
  })

  it('of headers without entries ends at the limit', async () => {
    const { error } = await unpackBytes(zstdCompressSync(Buffer.alloc(64 * 2 ** 20)), 'tar.zst')
    expect(String(error)).toMatch(/more than 1048576 bytes/)
  })

  it('with a name that is not UTF-8 is refused', async () => {
    const bytes = await tarOf([{ name: 'aX', content: 'x' }])
    bytes[1] = 0xff
    // The checksum counts each byte of the header: octal, at 148.
    const sum = Number.parseInt(bytes.toString('latin1', 148, 154), 8) + 0xff - 'X'.charCodeAt(0)
    bytes.write(sum.toString(8).padStart(6, '0'), 148, 'latin1')
    expect(String((await unpackBytes(bytes)).error)).toMatch(/no safe name in UTF-8/)
  })

  it.each<[string, Buffer, ArchiveKind]>([
    ['text', Buffer.from('not an archive at all\n'.repeat(100)), 'tar'],
    ['text instead of gzip', Buffer.from('no gzip'), 'tar.gz'],
    ['text instead of zstd', Buffer.from('no zstd'), 'tar.zst'],
  ])('that is %s is refused', async (_, bytes, kind) => {
    expect(isBadArchive((await unpackBytes(bytes, kind)).error)).toBe(true)
  })

  it('that is cut is refused', async () => {
    const bytes = gzipSync(await tarOf([{ name: 'a', content: 'x'.repeat(100_000) }]))
    expect(isBadArchive((await unpackBytes(bytes.subarray(0, -20), 'tar.gz')).error)).toBe(true)
    const plain = await tarOf([{ name: 'a', content: 'x'.repeat(100_000) }])
    for (const length of [512, 50_000]) {
      expect(isBadArchive((await unpackBytes(plain.subarray(0, length))).error)).toBe(true)
    }
  })
})
