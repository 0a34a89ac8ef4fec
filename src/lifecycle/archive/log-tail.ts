import { Readable } from 'node:stream'
import { readWhole } from '../../store/read-whole.ts'
import type { ArtifactStore } from '../../store/store.ts'

/**
 * The last `lines` lines of an object. Its end is read into memory, twice as much each time until
 * it holds that many lines: at most 64 MiB, so that the beginning of a longer tail is left out.
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

/**
 * Where the last `lines` lines begin; 0 if there are no more lines. The last line may lack its
 * newline.
 */
function startOfTail(text: Buffer, lines: number): number {
  let at = text.length - 1
  for (let found = 0; at > 0; found++) {
    at = text.lastIndexOf(0x0a, at - 1)
    if (at < 0) return 0
    if (found === lines - 1) return at + 1
  }
  return 0
}
