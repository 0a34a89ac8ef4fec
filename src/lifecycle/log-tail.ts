import { Readable } from 'node:stream'
import { readWhole } from '../artifact/read-whole.ts'
import type { ArtifactStore } from '../artifact/store.ts'

/**
 * The last `lines` lines of an object, read from its end in pieces that double until they hold that many.
 * The piece is held in memory: at most 64 MiB, beyond that the beginning of the tail is left out.
 */
export async function tailOf(store: ArtifactStore, key: string, lines: number): Promise<Readable> {
  if (lines === 0) return Readable.from([])
  for (let bytes = 64 * 1024; ; bytes *= 2) {
    const { size, bytes: text } = await readWhole(store, key, { offset: -bytes })
    const from = startOfTail(text, lines)
    if (from > 0 || bytes >= size || bytes >= 64 * 1024 * 1024) {
      return Readable.from(text.length > from ? [text.subarray(from)] : [])
    }
  }
}

/** Where the last `lines` lines begin; 0 where there are no more. A last line may lack its newline. */
function startOfTail(text: Buffer, lines: number): number {
  let at = text.length - 1
  for (let found = 0; at > 0; found++) {
    at = text.lastIndexOf(0x0a, at - 1)
    if (at < 0) return 0
    if (found === lines - 1) return at + 1
  }
  return 0
}
