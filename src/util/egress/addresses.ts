import { BlockList, isIP } from 'node:net'

/**
 * `never`: link-local, metadata service, multicast and reserved addresses, which are never called.
 */
export type AddressClass = 'never' | 'loopback' | 'private' | 'public'

/** The class of an IP address; `never` for any other text. */
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
  // Link-local, with the metadata services of AWS, Azure, Google Cloud, OpenStack and other clouds.
  ['169.254.0.0', 16],
  // The metadata services of Alibaba Cloud, Azure (WireServer) and Oracle Cloud (the older one).
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
  // AWS' services for instances and pods, and Google Cloud's metadata service.
  ['fd00:ec2::', 32],
  ['fd20:ce::', 32],
  // Tunnels to an IPv4 address that this check can't see: IPv4-translated, local NAT64, Teredo,
  // 6to4.
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
  // Shared address space, which some clouds use for nodes and pods.
  ['100.64.0.0', 10],
  ['198.18.0.0', 15],
  ['fc00::', 7],
])

/**
 * The IPv4 address in an IPv6 one: mapped (::ffff:a.b.c.d), compatible (::a.b.c.d), NAT64
 * (64:ff9b::/96).
 */
function innerIPv4(words: readonly number[]): string | undefined {
  const [high = 0, low = 0] = words.slice(6)
  const isZero = words.slice(0, 5).every((word) => word === 0)
  const mapped = isZero && words[5] === 0xffff
  const compatible = isZero && words[5] === 0 && (high !== 0 || low > 1)
  const nat64 = words[0] === 0x64 && words[1] === 0xff9b && words.slice(2, 6).every((word) => word === 0)
  if (!mapped && !compatible && !nat64) return undefined
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}

/** The eight 16-bit words of an IPv6 address in any notation; undefined for an invalid one. */
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
