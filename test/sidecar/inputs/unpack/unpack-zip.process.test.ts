import { execFile } from 'node:child_process'
import { lstatSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { unpack } from '../../../../sidecar/inputs/unpack/unpack.ts'
import { temporaryFolder } from '../../../support/files/temporary-folder.ts'

const run = promisify(execFile)
const limits = { bytes: 2 ** 34, entries: 100_000 }

async function unpacked(zip: string): Promise<string> {
  const folder = join(temporaryFolder(), 'unpacked')
  mkdirSync(folder)
  await unpack(zip, 'zip', folder, limits, new AbortController().signal)
  return folder
}

describe('a zip of Python', () => {
  it.each([
    ['in a file', 'sys.argv[1]'],
    ['in a stream, with data descriptors', 'Unseekable(sys.argv[1])'],
  ])('%s is unpacked byte for byte', async (_, target) => {
    const zip = join(temporaryFolder(), 'a.zip')
    await run('python3', ['-c', program.replace('TARGET', target), zip])
    const folder = await unpacked(zip)
    expect(readFileSync(join(folder, 'ü/日本.txt'), 'utf8')).toBe('wide\n'.repeat(50_000))
    expect(readFileSync(join(folder, 'forced64'), 'utf8')).toBe('64')
    expect(readFileSync(join(folder, 'n/299'), 'utf8')).toBe('299')
    expect(lstatSync(join(folder, 'run.sh')).mode & 0o777).toBe(0o755)
    expect(readlinkSync(join(folder, 'up'))).toBe('run.sh')
  })
})

it('a zip of bsdtar is unpacked with its times', async () => {
  const from = temporaryFolder()
  await run('sh', ['-ec', 'mkdir -p a/b; echo x >a/b/c; ln -s b a/l; touch -d 2021-02-03T04:05:07Z a/b/c'], {
    cwd: from,
  })
  const zip = join(temporaryFolder(), 'a.zip')
  await run('bsdtar', ['--format', 'zip', '-cf', zip, 'a'], { cwd: from })
  const folder = await unpacked(zip)
  expect(readFileSync(join(folder, 'a/l/c'), 'utf8')).toBe('x\n')
  expect(lstatSync(join(folder, 'a/b/c')).mtime.toISOString()).toBe('2021-02-03T04:05:07.000Z')
})

const program = `
import sys, zipfile
class Unseekable:
    def __init__(self, path): self.file = open(path, 'wb')
    def write(self, bytes): return self.file.write(bytes)
    def flush(self): self.file.flush()
with zipfile.ZipFile(TARGET, 'w', zipfile.ZIP_DEFLATED) as zip:
    zip.writestr('ü/日本.txt', 'wide\\n' * 50_000)
    with zip.open('forced64', 'w', force_zip64=True) as entry: entry.write(b'64')
    for name, mode, content in [('run.sh', 0o100755, '#!/bin/sh'), ('up', 0o120777, 'run.sh')]:
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, mode << 16
        zip.writestr(info, content)
    for n in range(300): zip.writestr(f'n/{n}', str(n), zipfile.ZIP_STORED)
`
