import { createHash } from 'node:crypto'
import { readFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { chunkBytes, missingChunks } from '../../../src/client/download/chunks.ts'
import { PartFile } from '../../../src/client/download/part-file.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

const bytes = Buffer.alloc(2 * chunkBytes + 5, 'some bytes of a file')
const sha256 = createHash('sha256').update(bytes).digest('hex')

it('a file is cut into chunks of which the last is shorter, and a chunk that is done is left out', () => {
  const ends = missingChunks(25, Uint8Array.of(0, 1, 0), 10).map(({ start, end }) => [start, end])
  expect(ends).toEqual([
    [0, 10],
    [20, 25],
  ])
})

it('a part goes on where it was, and only for the same bytes', async () => {
  const path = join(temporaryFolder(), 'part')
  const first = await PartFile.open(path, bytes.length, sha256)
  const [, second] = first.missing()
  if (second === undefined) throw new Error('there are three chunks')
  await first.write(bytes.subarray(second.start, second.end), second.start)
  await first.finish(second)
  await first.close()

  const again = await PartFile.open(path, bytes.length, sha256)
  expect(again.missing().map(({ index }) => index)).toEqual([0, 2])
  for (const chunk of again.missing()) {
    await again.write(bytes.subarray(chunk.start, chunk.end), chunk.start)
    await again.finish(chunk)
  }
  expect(await again.digest()).toBe(sha256)
  await again.complete(0o640, 1_700_000_000.5)
  await again.close()
  expect(readFileSync(path).equals(bytes)).toBe(true)
  expect(statSync(path)).toMatchObject({ mtimeMs: 1_700_000_000_500 })

  const other = await PartFile.open(path, bytes.length, 'f'.repeat(64))
  expect(other.missing()).toHaveLength(3)
  await other.close()
  truncateSync(path, 100)
  const cut = await PartFile.open(path, bytes.length, 'f'.repeat(64))
  expect(cut.missing()).toHaveLength(3)
  await cut.close()
})
