import { crc32, deflateRawSync } from 'node:zlib'

/** An entry of a zip, of which every number may be a lie. */
export interface ZipItem {
  name: string | Buffer
  content?: string | Buffer
  /** As stat(2) has it: `0o100644`. Without it, the zip is of DOS. */
  mode?: number
  method?: number
  flags?: number
  crc?: number
  size?: number
  /** Sizes and CRC lie behind the content, with or without the signature. */
  descriptor?: 'signed' | 'unsigned'
  /** In front of the content. */
  localName?: string
}

export interface ZipEnd {
  /** The number of entries that the end says. */
  count?: number
  zip64?: boolean
  comment?: string
}

const utf8 = 0x800

/** A zip of the items (APPNOTE 6.3.10), written as they say. */
export function zipOf(items: readonly ZipItem[], { count, zip64, comment = '' }: ZipEnd = {}): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const item of items) {
    const made = entryOf(item, at)
    parts.push(made.local)
    directory.push(made.central)
    at += made.local.length
  }
  const central = Buffer.concat(directory)
  const number = count ?? items.length
  const end = Buffer.alloc(22 + comment.length)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(zip64 ? 0xffff : number, 8)
  end.writeUInt16LE(zip64 ? 0xffff : number, 10)
  end.writeUInt32LE(zip64 ? 0xffffffff : central.length, 12)
  end.writeUInt32LE(zip64 ? 0xffffffff : at, 16)
  end.writeUInt16LE(comment.length, 20)
  end.write(comment, 22, 'latin1')
  const end64 = zip64 ? zip64End(number, at, central.length) : Buffer.alloc(0)
  return Buffer.concat([...parts, central, end64, end])
}

function entryOf(item: ZipItem, at: number): { local: Buffer; central: Buffer } {
  const { name, content = '', mode, method = 8, flags = utf8, descriptor } = item
  const bytes = Buffer.from(content)
  const packed = method === 8 ? deflateRawSync(bytes) : bytes
  const [crc, size] = [item.crc ?? crc32(bytes), item.size ?? bytes.length]
  const nameBytes = Buffer.from(name)
  const behind = descriptor === undefined ? 0 : 8
  const common = (isLocal: boolean, length: number) => {
    const head = Buffer.alloc(26)
    const isHidden = isLocal && behind !== 0
    head.writeUInt16LE(20, 0)
    head.writeUInt16LE(flags | behind, 2)
    head.writeUInt16LE(method, 4)
    head.writeUInt16LE((3 << 11) | (4 << 5) | 3, 6)
    head.writeUInt16LE(((2025 - 1980) << 9) | (1 << 5) | 2, 8)
    head.writeUInt32LE(isHidden ? 0 : crc, 10)
    head.writeUInt32LE(isHidden ? 0 : packed.length, 14)
    head.writeUInt32LE(isHidden ? 0 : size, 18)
    head.writeUInt16LE(length, 22)
    return head
  }
  const localName = Buffer.from(item.localName ?? nameBytes)
  const signature = (value: number) => uint32(value)
  const sums = Buffer.concat([uint32(crc), uint32(packed.length), uint32(size)])
  const after = descriptor === undefined ? [] : descriptor === 'signed' ? [uint32(0x08074b50), sums] : [sums]
  const tail = Buffer.alloc(14)
  tail.writeUInt32LE(mode === undefined ? 0 : mode * 0x10000, 6)
  tail.writeUInt32LE(at, 10)
  const madeBy = Buffer.from([20, mode === undefined ? 0 : 3])
  return {
    local: Buffer.concat([
      signature(0x04034b50),
      common(true, localName.length),
      localName,
      packed,
      ...after,
    ]),
    central: Buffer.concat([signature(0x02014b50), madeBy, common(false, nameBytes.length), tail, nameBytes]),
  }
}

function zip64End(count: number, at: number, length: number): Buffer {
  const end = Buffer.alloc(56 + 20)
  end.writeUInt32LE(0x06064b50, 0)
  end.writeBigUInt64LE(44n, 4)
  end.writeBigUInt64LE(BigInt(count), 24)
  end.writeBigUInt64LE(BigInt(count), 32)
  end.writeBigUInt64LE(BigInt(length), 40)
  end.writeBigUInt64LE(BigInt(at), 48)
  end.writeUInt32LE(0x07064b50, 56)
  end.writeBigUInt64LE(BigInt(at + length), 64)
  end.writeUInt32LE(1, 72)
  return end
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
