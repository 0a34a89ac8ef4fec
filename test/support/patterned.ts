import { createHash } from 'node:crypto'

/** Shell that writes `size` bytes that follow from `seed` into `file`, with what busybox has. */
export function writePatterned(file: string, seed: string, size: number): string {
  return `yes ${seed} | head -c ${size} > ${file}`
}

/** What writePatterned() writes. */
export function patterned(seed: string, size: number): Buffer {
  return Buffer.alloc(size, `${seed}\n`)
}

/** Hex SHA-256 of what writePatterned() writes. */
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
