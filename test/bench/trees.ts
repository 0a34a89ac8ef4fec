import { randomBytes } from 'node:crypto'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ResultLayout } from '../../src/result-format/result-layout.ts'

/** Files for an upload; `what` is their name in the table. */
export interface Tree {
  what: string
  goal?: number
  files: readonly (readonly [name: string, bytes: number])[]
  /** Layout of the files in the store; by default one object for each file. */
  layout?: ResultLayout
}

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

/**
 * Sets of files that are slow in comparable systems, by their issue
 * trackers, and a typical worker's files.
 */
export const trees: readonly Tree[] = [
  { what: '1 × 1 GiB', goal: 0.9, files: numbered(1, 1024 * mebibyte) },
  { what: '4 × 1 GiB', files: numbered(4, 1024 * mebibyte) },
  { what: '10,000 × 4 KiB', goal: 0.7, files: numbered(10_000, 4 * kibibyte) },
  { what: '10,000 × 4 KiB, packed', goal: 0.1, files: numbered(10_000, 4 * kibibyte), layout: 'packed' },
  { what: '1,000 × 1 MiB', files: numbered(1000, mebibyte) },
  {
    what: 'a mix: 2 × 256 MiB, 200 × 1 MiB, 3,000 × 10 KiB',
    files: [
      ...numbered(2, 256 * mebibyte, 'large'),
      ...numbered(200, mebibyte, 'middle'),
      ...numbered(3000, 10 * kibibyte, 'small'),
    ],
  },
]

/** Writes the tree's files with random bytes, which can't be compressed on the way. */
export async function grow(tree: Tree, folder: string): Promise<void> {
  const block = randomBytes(8 * mebibyte)
  for (const [name, bytes] of tree.files) {
    const path = join(folder, name)
    await mkdir(join(path, '..'), { recursive: true })
    if (bytes <= block.length) {
      const start = Math.floor(Math.random() * (block.length - bytes))
      await writeFile(path, block.subarray(start, start + bytes))
      continue
    }
    const file = await open(path, 'w')
    for (let left = bytes; left > 0; left -= block.length) {
      block.writeDoubleLE(Math.random(), 0)
      await file.write(block.subarray(0, Math.min(left, block.length)))
    }
    await file.close()
  }
}

export function numbered(count: number, bytes: number, folder = 'files'): [string, number][] {
  return Array.from({ length: count }, (_, index) => [`${folder}/${Math.floor(index / 100)}/${index}`, bytes])
}
