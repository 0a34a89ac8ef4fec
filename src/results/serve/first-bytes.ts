import type { Sink } from '../../util/sink.ts'
import { type TextKind, textKind } from '../../util/text/text-kind.ts'
import type { FileSource } from '../file-source.ts'
import { readPart } from './file-bytes.ts'
import type { ReadableFile } from './readable-file.ts'

const lookBytes = 16 * 1024
/** HEAD needs no store otherwise: while the store is away it is answered without a charset. */
const patienceMilliseconds = 3_000

/** What a file's first bytes are, if that is known without the store. */
export function knownKind({ textKinds }: FileSource, { size, sha256 }: ReadableFile): TextKind | undefined {
  return size === 0 ? textKind(Buffer.of(), true) : textKinds.get(sha256)
}

/**
 * What a file's first bytes are, read from the store if need be. Undefined if they did not come in
 * time.
 */
export async function lookAtFile(
  source: FileSource,
  file: ReadableFile,
  signal?: AbortSignal,
): Promise<TextKind | undefined> {
  const known = knownKind(source, file)
  if (known !== undefined) return known
  const late = new AbortController()
  const cancelTimeout = source.clock.setTimeout(() => late.abort(), patienceMilliseconds)
  const ends = AbortSignal.any([late.signal, ...(signal === undefined ? [] : [signal])])
  let endLook: (() => void) | undefined
  try {
    // The wait for others' looks counts, too.
    endLook = await source.textKinds.beginLook(ends)
    const part = { start: 0, length: decisiveBytes(file) }
    return learn(source, file, await readPart(source, file, part, ends))
  } catch {
    // The read of the body meets the same error and reports it.
    return undefined
  } finally {
    endLook?.()
    cancelTimeout()
  }
}

/**
 * A sink for a whole file that holds the chunks back until they have all bytes that decide, and
 * calls `found` before it passes them on: over a network the first chunk may be a few KiB.
 */
export function lookingSink(
  source: FileSource,
  file: ReadableFile,
  sink: Sink,
  found: (kind: TextKind) => void,
): Sink {
  let held: Buffer[] | undefined = []
  let missing = decisiveBytes(file)
  return async (chunk) => {
    if (held === undefined) return await sink(chunk)
    missing -= chunk.length
    if (missing > 0) {
      // The chunk's memory is used again for the next one.
      held.push(Buffer.from(chunk))
      return
    }
    const first = held.length === 0 ? chunk : Buffer.concat([...held, chunk])
    held = undefined
    found(learn(source, file, first))
    await sink(first)
  }
}

function decisiveBytes({ size }: ReadableFile): number {
  return Math.min(size, lookBytes)
}

/** `bytes`: at least those that decide. */
function learn({ textKinds }: FileSource, { size, sha256 }: ReadableFile, bytes: Uint8Array): TextKind {
  const kind = textKind(bytes.subarray(0, lookBytes), size <= lookBytes)
  textKinds.set(sha256, kind)
  return kind
}
