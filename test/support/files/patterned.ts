import { createHash } from 'node:crypto'

/** Shell script for busybox that writes `size` bytes, derived from `seed`, into `file`. */
export function writePatterned(file: string, seed: string, size: number): string {
  return `yes ${seed} | head -c ${size} > ${file}`
}

/** The bytes that writePatterned() writes. */
export function patterned(seed: string, size: number): Buffer {
  return Buffer.alloc(size, `${seed}\n`)
}

/** SHA-256 in hex of the bytes that writePatterned() writes. */
export function sha256OfPatterned(seed: string, size: number): string {
  const hash = createHash('sha256')
  const line = `${seed}\n`
  const block = Buffer.from(line.repeat(Math.ceil(65_536 / line.length)))
  let left = size
  while (left >= block.length) {
    hash.update(block)
    left -= block.length
  }
  return hash.update(block.subarray(0, left)).digest('hex')
}
