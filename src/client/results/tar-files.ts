import { JobferryError } from '../errors.ts'

const blockBytes = 512
/** A path has 4,096 bytes at most, and so has the target of a link. */
const paxBytes = 16 * 1024

/** A regular file of a tar. */
export interface TarFile {
  path: Buffer
  bytes: Buffer
}

/**
 * The regular files of a tar with PAX records, as the API writes it; other members are left out.
 * Throws a JobferryError `damaged` for a file of more than `mostBytes`, and for what is no tar.
 */
export async function* filesOfTar(
  chunks: AsyncIterable<Uint8Array>,
  mostBytes: number,
): AsyncGenerator<TarFile, void, undefined> {
  const read = blocksOf(chunks)
  let longPath: Buffer | undefined
  for (;;) {
    const header = await read(blockBytes)
    // An archive ends with blocks of zeros.
    if (header === undefined || header[0] === 0) return
    if (header.toString('latin1', 257, 262) !== 'ustar') throw damaged('is no tar')
    const size = Number.parseInt(header.toString('latin1', 124, 136), 8)
    const type = header.toString('latin1', 156, 157)
    const most = type === 'x' ? paxBytes : mostBytes
    if (!(size <= most)) throw damaged(`has a member of ${size} bytes`)
    const content = (await read(size + ((blockBytes - (size % blockBytes)) % blockBytes)))?.subarray(0, size)
    if (content === undefined) throw damaged('ends within a member')
    if (type === 'x') {
      longPath = paxPath(content) ?? longPath
      continue
    }
    if (type === '0') yield { path: longPath ?? upToNul(header.subarray(0, 100)), bytes: content }
    longPath = undefined
  }
}

/** Returns the function that resolves with the next bytes; undefined at the end. */
function blocksOf(chunks: AsyncIterable<Uint8Array>): (size: number) => Promise<Buffer | undefined> {
  const source = chunks[Symbol.asyncIterator]()
  let rest = Buffer.alloc(0)
  return async (size) => {
    if (rest.length < size) {
      const parts: Uint8Array[] = [rest]
      for (let length = rest.length; length < size; ) {
        const { done, value } = await source.next()
        if (done) return undefined
        parts.push(value)
        length += value.length
      }
      rest = Buffer.concat(parts)
    }
    const block = rest.subarray(0, size)
    rest = rest.subarray(size)
    return block
  }
}

/** The `path` of PAX records, `<length> <keyword>=<value>\n` each. */
function paxPath(records: Buffer): Buffer | undefined {
  for (let at = 0; at < records.length; ) {
    const space = records.indexOf(0x20, at)
    const length = Number(records.toString('latin1', at, space))
    if (space === -1 || !(length > 0)) throw damaged('has a broken PAX record')
    const record = records.subarray(space + 1, at + length - 1)
    if (record.toString('latin1', 0, 5) === 'path=') return record.subarray(5)
    at += length
  }
  return undefined
}

function upToNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0)
  return end === -1 ? bytes : bytes.subarray(0, end)
}

function damaged(problem: string): JobferryError {
  return new JobferryError('damaged', `an archive of small files ${problem}`)
}
