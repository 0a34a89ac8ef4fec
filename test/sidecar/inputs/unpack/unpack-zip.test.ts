import { lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isBadArchive } from '../../../../sidecar/inputs/unpack/place-entry.ts'
import { unpackBytes } from './unpack-bytes.ts'
import { type ZipEnd, type ZipItem, zipOf } from './zip-of.ts'

const unpackZip = (items: readonly ZipItem[], end?: ZipEnd) => unpackBytes(zipOf(items, end), 'zip')

const whole: ZipItem[] = [
  { name: 'a.txt', content: 'a', mode: 0o100644 },
  { name: 'deep/folder/run.sh', content: '#!/bin/sh', mode: 0o104711 },
  { name: 'empty/', mode: 0o040755, method: 0 },
  { name: 'deep/up', content: '../a.txt', mode: 0o120777, method: 0 },
  { name: 'é.txt', content: 'ü'.repeat(100_000), descriptor: 'signed' },
  { name: 'plain', content: 'stored', method: 0, descriptor: 'unsigned' },
]

describe('a zip', () => {
  it.each<[string, ZipEnd]>([
    ['', {}],
    [' with a comment', { comment: 'made \xe9 elsewhere' }],
    [' in zip64', { zip64: true }],
    [' in zip64 with a comment', { zip64: true, comment: 'c'.repeat(65_535) }],
  ])('is unpacked with its links, times and programs%s', async (_, end) => {
    const { folder, error } = await unpackZip(whole, end)
    expect(error).toBe(undefined)
    expect(readFileSync(join(folder, 'é.txt'), 'utf8')).toBe('ü'.repeat(100_000))
    expect(readFileSync(join(folder, 'plain'), 'utf8')).toBe('stored')
    expect(readlinkSync(join(folder, 'deep/up'))).toBe('../a.txt')
    expect(lstatSync(join(folder, 'a.txt')).mtime.toISOString()).toBe('2025-01-02T03:04:06.000Z')
    expect(lstatSync(join(folder, 'a.txt')).mode & 0o7777).toBe(0o644)
    expect(lstatSync(join(folder, 'deep/folder/run.sh')).mode & 0o7777).toBe(0o755)
    expect(lstatSync(join(folder, 'empty')).isDirectory()).toBe(true)
  })

  it('without entries is an empty folder', async () => {
    expect((await unpackZip([])).error).toBe(undefined)
  })

  it('has names in cp437 where it does not say UTF-8', async () => {
    const { folder, error } = await unpackZip([
      { name: Buffer.from([0x81, 0x2e, 0x74]), flags: 0, content: 'x' },
    ])
    expect(error).toBe(undefined)
    expect(readFileSync(join(folder, 'ü.t'), 'utf8')).toBe('x')
  })

  it('of old Windows programs has folders behind backslashes', async () => {
    const { folder, error } = await unpackZip([{ name: 'a\\b.txt', content: 'x' }])
    expect(error).toBe(undefined)
    expect(readFileSync(join(folder, 'a/b.txt'), 'utf8')).toBe('x')
  })

  it.each<[string, ZipItem[], RegExp]>([
    ['a parent', [{ name: '../outside' }], /outside/],
    ['a parent behind a name', [{ name: 'a/../../outside' }], /outside/],
    ['a parent behind a backslash', [{ name: '..\\outside' }], /outside/],
    ['an absolute path', [{ name: '/tmp/outside' }], /outside/],
    ['a drive', [{ name: 'C:\\outside' }], /outside/],
    ['a name with a line end', [{ name: 'a\nb' }], /no safe name/],
    ['a name with a NUL', [{ name: 'a\0b' }], /no safe name/],
    ['a name that is not the UTF-8 it says', [{ name: Buffer.from([0x61, 0xff]) }], /no safe name in UTF-8/],
    ['a backslash in a name of Unix', [{ name: 'a\\b', mode: 0o100644 }], /backslash/],
    ['a link out of the folder', [{ name: 'a', content: '../..', mode: 0o120777 }], /leads out/],
    ['an absolute link', [{ name: 'a', content: '/etc', mode: 0o120777 }], /leads out/],
    ['a link of endless length', [{ name: 'a', content: 'x'.repeat(5000), mode: 0o120777 }], /too long/],
    [
      'a file below a link',
      [
        { name: 'd', content: '.', mode: 0o120777 },
        { name: 'd/x', content: 'x' },
      ],
      /below a file or link/,
    ],
    ['a file in the place of a folder', [{ name: 'a/b' }, { name: 'a' }], /EISDIR|directory/],
    ['a device', [{ name: 'a', mode: 0o020666 }], /device/],
    ['a pipe', [{ name: 'a', mode: 0o010666 }], /pipe/],
    ['an encrypted file', [{ name: 'a', flags: 0x801, content: 'x' }], /is encrypted/],
    ['strong encryption', [{ name: 'a', flags: 0x841, content: 'x' }], /encrypt/],
    ['another compression', [{ name: 'a', method: 12, content: 'x' }], /compression method 12/],
    ['another CRC', [{ name: 'a', crc: 1, content: 'x' }], /CRC-32 of "a"/],
    ['another CRC of a stored file', [{ name: 'a', crc: 1, content: 'x', method: 0 }], /CRC-32 of "a"/],
    ['fewer bytes than it says', [{ name: 'a', size: 9, content: 'x' }], /bytes|size/],
    ['more bytes than it says', [{ name: 'a', size: 9, content: 'x'.repeat(100_000) }], /bytes|size/],
    ['fewer stored bytes than it says', [{ name: 'a', size: 9, content: 'x', method: 0 }], /size/],
    ['another name in front of the bytes', [{ name: 'a', localName: 'b', content: 'x' }], /another name/],
    [
      'more bytes than it may have',
      [{ name: 'a', content: 'x'.repeat(2 ** 20 + 1) }],
      /more than 1048576 bytes/,
    ],
    [
      'more entries than it may have',
      Array.from({ length: 101 }, (_, n) => ({ name: `${n}` })),
      /more than 100 entries/,
    ],
  ])('with %s is refused', async (_, items, why) => {
    const { error } = await unpackZip(items)
    expect(String(error)).toMatch(why)
    expect(isBadArchive(error)).toBe(true)
  })

  it.each<[string, ZipEnd]>([
    ['fewer', { count: 2 }],
    ['no', { count: 0 }],
    ['more', { count: 7 }],
    ['fewer (zip64)', { count: 2, zip64: true }],
    ['more (zip64)', { count: 7, zip64: true }],
  ])('whose end says %s entries than it has is refused', async (_, end) => {
    const { error } = await unpackZip(whole, end)
    expect(error).toBeInstanceOf(Error)
    expect(isBadArchive(error)).toBe(true)
  })

  it('that is cut anywhere, has further bytes, or is text is refused', async () => {
    const bytes = zipOf(whole)
    const lengths = Array.from({ length: 40 }, (_, n) => Math.floor((bytes.length * n) / 40))
    for (const length of [...lengths, bytes.length - 1]) {
      const { error } = await unpackBytes(bytes.subarray(0, length), 'zip')
      expect(isBadArchive(error) && error, `cut at ${length}`).toBeInstanceOf(Error)
    }
    expect((await unpackBytes(Buffer.concat([bytes, Buffer.from('x')]), 'zip')).error).toBeInstanceOf(Error)
    expect((await unpackBytes(Buffer.from('no zip\n'.repeat(100)), 'zip')).error).toBeInstanceOf(Error)
  })

  it('with a byte changed is unpacked as it was, or refused', async () => {
    const bytes = zipOf([{ name: 'a', content: 'content', mode: 0o100644, method: 0 }])
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 0x55
      const { folder, error } = await unpackBytes(changed, 'zip')
      if (error !== undefined) expect(isBadArchive(error), `byte ${at}: ${error}`).toBe(true)
      else expect(readFileSync(join(folder, 'a'), 'utf8'), `byte ${at}`).toBe('content')
    }
  })
})
