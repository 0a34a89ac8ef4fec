import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BrokenLines, lineBatches } from '../../src/util/lines.ts'

async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let offset = 0
  for (const size of sizes) {
    if (offset >= bytes.length) break
    yield bytes.subarray(offset, offset + size)
    offset += size
  }
  if (offset < bytes.length) yield bytes.subarray(offset)
}

async function linesOf(source: AsyncIterable<Uint8Array>): Promise<string[]> {
  const lines: string[] = []
  for await (const batch of lineBatches(source)) lines.push(...batch)
  return lines
}

describe('lineBatches', () => {
  it('gives the same lines for all divisions into chunks', async () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''))
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(fc.integer({ min: 1, max: 9 })), async (lines, sizes) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''))
        expect(await linesOf(cut(bytes, sizes))).toEqual(lines)
      }),
    )
  })

  it('rejects a last line without its end', async () => {
    await expect(linesOf(cut(Buffer.from('a\nb'), []))).rejects.toThrow(BrokenLines)
  })

  it('rejects input without line ends before memory is exhausted', async () => {
    async function* endless() {
      for (;;) yield Buffer.alloc(1024 * 1024)
    }
    await expect(linesOf(endless())).rejects.toThrow(BrokenLines)
  })
})
