import { BlockList, isIP } from 'node:net'

/** `never`: link-local, metadata services, multicast, and what nobody has a reason to call. */
export type AddressClass = 'never' | 'loopback' | 'private' | 'public'

/** What an IP address is; whatever isn't one is `never`. */
export function classOf(address: string): AddressClass {
  const family = isIP(address)
  if (family === 4) return classOfIPv4(address)
  if (family === 0) return 'never'
  const words = wordsOf(address)
  const inner = words && innerIPv4(words)
  if (inner !== undefined) return classOfIPv4(inner)
  const plain = address.replace(/%.*$/, '')
  if (never.check(plain, 'ipv6')) return 'never'
  if (loopback.check(plain, 'ipv6')) return 'loopback'
  return local.check(plain, 'ipv6') ? 'private' : 'public'
}

function classOfIPv4(address: string): AddressClass {
  if (never.check(address)) return 'never'
  if (loopback.check(address)) return 'loopback'
  return local.check(address) ? 'private' : 'public'
}

const never = blockList([
  ['0.0.0.0', 8],
  // Link-local: the metadata services of AWS, Azure, Google Cloud, OpenStack and their like.
  ['169.254.0.0', 16],
  // Alibaba Cloud's, Azure's WireServer, Oracle Cloud's first.
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
  ['192.0.0.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
  ['100::', 64],
  // AWS' services of an instance and a pod, Google Cloud's metadata.
  ['fd00:ec2::', 32],
  ['fd20:ce::', 32],
  // They lead to an IPv4 address that isn't seen here: IPv4-translated, local NAT64, Teredo, 6to4.
  ['::ffff:0:0:0', 96],
  ['64:ff9b:1::', 48],
  ['2001::', 32],
  ['2002::', 16],
])

const loopback = blockList([
  ['127.0.0.0', 8],
  ['::1', 128],
])

const local = blockList([
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  // Shared address space: nodes and pods of some clouds have it.
  ['100.64.0.0', 10],
  ['198.18.0.0', 15],
  ['fc00::', 7],
])

/** The IPv4 address in a mapped (::ffff:a.b.c.d), a compatible (::a.b.c.d) or a NAT64 one (64:ff9b::a.b.c.d). */
function innerIPv4(words: readonly number[]): string | undefined {
  const [high = 0, low = 0] = words.slice(6)
  const isZero = words.slice(0, 5).every((word) => word === 0)
  const mapped = isZero && words[5] === 0xffff
  const compatible = isZero && words[5] === 0 && (high !== 0 || low > 1)
  const nat64 = words[0] === 0x64 && words[1] === 0xff9b && words.slice(2, 6).every((word) => word === 0)
  if (!mapped && !compatible && !nat64) return undefined
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}

/** The eight words of an IPv6 address, in whatever way it is written. */
function wordsOf(address: string): number[] | undefined {
  const url = `http://[${address.replace(/%.*$/, '')}]`
  if (!URL.canParse(url)) return undefined
  const [head = '', tail] = new URL(url).hostname.slice(1, -1).split('::')
  const before = parts(head)
  const after = parts(tail ?? '')
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array.from({ length: zeros }, () => 0), ...after]
}

function parts(text: string): number[] {
  return text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16))
}

function blockList(subnets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList()
  for (const [net, prefix] of subnets) list.addSubnet(net, prefix, net.includes(':') ? 'ipv6' : 'ipv4')
  return list
}
