import { createReadStream } from 'node:fs'
import { PassThrough, type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { extract, type Header } from 'tar-stream'
import type { ArchiveKind } from '../../../src/job/inputs/input-list.ts'
import { codeOf } from '../../../src/util/error-code.ts'
import { type ArchiveEntry, placeEntry } from './place-entry.ts'
import { tooMany, tooManyBytes, type UnpackLimits } from './unpack-limits.ts'

/** As unpack(). */
export async function unpackTar(
  file: string,
  kind: Exclude<ArchiveKind, 'zip'>,
  folder: string,
  limits: UnpackLimits,
  signal: AbortSignal,
): Promise<void> {
  const entries = extract()
  const feeding = pipeline(createReadStream(file), decompressor(kind), atMost(limits), entries, { signal })
  feeding.catch(() => undefined)
  let count = 0
  let bytes = 0
  try {
    for await (const entry of entries) {
      const { header } = entry
      count += 1
      bytes += header.size ?? 0
      if (count > limits.entries) throw tooMany(limits)
      if (bytes > limits.bytes) throw tooManyBytes(limits)
      await placeEntry(entryOf(header), entry as unknown as Readable, folder)
      entry.resume()
    }
    await feeding
  } catch (error) {
    // The entry was destroyed with the archive, whose own error says why.
    if (codeOf(error) === 'STREAM_DESTROYED') await feeding
    throw error
  } finally {
    entries.destroy()
  }
}

function decompressor(kind: ArchiveKind) {
  if (kind === 'tar.gz') return createGunzip()
  return kind === 'tar.zst' ? createZstdDecompress() : new PassThrough()
}

/** Headers count too: without entries they would be read for ever. */
function atMost(limits: UnpackLimits): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > limits.bytes) done(tooManyBytes(limits))
      else done(null, chunk)
    },
  })
}

function entryOf({ name, type, size = 0, mode = 0, mtime, linkname }: Header): ArchiveEntry {
  const known = type === 'contiguous-file' ? 'file' : (type ?? 'entry of an unknown type')
  return { name, type: known, size, mode, mtime, linkname: linkname ?? undefined }
}
