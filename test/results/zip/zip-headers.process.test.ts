import { execFile } from 'node:child_process'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  centralHeader,
  centralLength,
  dataDescriptor,
  endOfZip,
  localHeader,
  storedLength,
  type ZipMember,
} from '../../../src/results/zip/zip-headers.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

const run = promisify(execFile)
const member = (name: string, size: number, isStreamed: boolean): ZipMember => {
  return { name: Buffer.from(name), mode: 0o100644, seconds: 1_700_000_001, size, isStreamed }
}

/** A zip whose contents are holes of a sparse file; resolves with its path and length. */
async function sparseZip(members: readonly ZipMember[]): Promise<{ path: string; length: number }> {
  const path = join(temporaryFolder(), 'sparse.zip')
  await using file = await open(path, 'w')
  let at = 0
  const records: Buffer[] = []
  for (const one of members) {
    const header = localHeader(one, 0)
    await file.write(header, 0, header.length, at)
    const end = at + storedLength(one)
    const descriptor = one.isStreamed ? dataDescriptor(one, 0) : Buffer.alloc(0)
    await file.write(descriptor, 0, descriptor.length, end - descriptor.length)
    const record = centralHeader(one, 0, at)
    expect(record.length).toBe(centralLength(one, at))
    records.push(record)
    at = end
  }
  const directory = Buffer.concat(records)
  const tail = Buffer.concat([directory, endOfZip(members.length, directory.length, at)])
  await file.write(tail, 0, tail.length, at)
  return { path, length: at + tail.length }
}

describe('the headers of a zip', () => {
  const beyond = 5 * 1024 ** 3
  const members = [member('first', 3, false), member('beyond', beyond, true), member('last', 5, false)]

  it('have files and offsets of more than 4 GiB in ZIP64 fields, which unzip and Python read', async () => {
    const { path } = await sparseZip(members)
    const script = `
import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
print([(i.filename, i.file_size, i.header_offset) for i in z.infolist()])
with z.open('beyond') as f: print(len(f.read(1000)))`
    const { stdout } = await run('python3', ['-c', script, path])
    const second = storedLength(members[0] as ZipMember)
    const third = second + storedLength(members[1] as ZipMember)
    const list = `[('first', 3, 0), ('beyond', ${beyond}, ${second}), ('last', 5, ${third})]`
    expect(stdout.trim().split('\n')).toEqual([list, '1000'])
    const { stdout: listed } = await run('zipinfo', ['-l', path])
    expect(listed).toContain(`${beyond}`)
    expect(listed).toContain('3 files')
  })

  it('clamp times that zip has no field for', () => {
    for (const seconds of [-1e10, 0, 1e12]) {
      const odd = { ...member('x', 0, false), seconds }
      expect(localHeader(odd, 0).length).toBe(storedLength(odd))
    }
  })
})
