import { createHash } from 'node:crypto'
import { chunkLength } from '../../util/lines.ts'
import { jsonLine } from '../../util/text/json-line.ts'
import type { Entry } from '../entry.ts'
import { comparePaths } from '../path-order.ts'
import type { ManifestHead } from './manifest.ts'
import { encodeFoot, entriesPerPoint, type IndexPoint } from './manifest-format.ts'

/**
 * The bytes of a manifest. `entries` must be sorted by their paths' bytes, each path once, and as
 * many as the head's count. Otherwise it throws before the foot, so that the bytes are never a
 * complete manifest.
 */
export async function* writeManifest(
  head: ManifestHead,
  entries: AsyncIterable<Entry>,
): AsyncGenerator<Buffer, void> {
  const hashes = { whole: createHash('sha256'), ends: createHash('sha256'), point: createHash('sha256') }
  let offset = 0
  const encode = (text: string) => {
    const chunk = Buffer.from(text, 'utf8')
    hashes.whole.update(chunk)
    hashes.point.update(chunk)
    offset += chunk.length
    return chunk
  }
  const points: IndexPoint[] = []
  const endPoint = () => {
    const sha256 = hashes.point.digest('hex')
    hashes.point = createHash('sha256')
    const last = points.at(-1)
    if (last !== undefined) last.sha256 = sha256
  }

  let text = `${jsonLine(head)}\n`
  hashes.ends.update(text)
  let count = 0
  let previous: Entry | undefined
  for await (const entry of entries) {
    if (previous !== undefined && comparePaths(previous, entry) >= 0) throw outOfOrder(previous, entry)
    previous = entry
    const startsPoint = count % entriesPerPoint === 0
    if (startsPoint || text.length >= chunkLength) {
      yield encode(text)
      text = ''
    }
    if (startsPoint) {
      endPoint()
      points.push(pointAt(count, offset, entry))
    }
    text += `${jsonLine(entry)}\n`
    count += 1
  }
  if (count !== head.count)
    throw new Error(`The head counts ${head.count} entries, but ${count} were written`)
  if (text !== '') yield encode(text)
  endPoint()

  const indexOffset = offset
  const index = points.map((point) => `${jsonLine(point)}\n`).join('')
  hashes.ends.update(index)
  if (index !== '') yield encode(index)
  yield encodeFoot({
    index_offset: indexOffset,
    index_length: offset - indexOffset,
    sha256: hashes.whole.digest('hex'),
    ends_sha256: hashes.ends.digest('hex'),
  })
}

function pointAt(index: number, offset: number, entry: Entry): IndexPoint {
  if (entry.path !== undefined) return { index, offset, path: entry.path }
  return { index, offset, path_base64: entry.path_base64 ?? '' }
}

function outOfOrder(previous: Entry, entry: Entry): Error {
  const names = [previous, entry].map((e) => JSON.stringify(e.path ?? e.path_base64))
  return new Error(`Entries are not sorted by their paths' bytes: ${names.join(' before ')}`)
}
