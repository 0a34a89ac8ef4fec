import type { Server } from 'node:http'
import { type BlockList, isIP } from 'node:net'

export interface AddressLimit {
  /** Most connections at once from one address. */
  most: number
  /** Addresses without a limit: proxies, which connect for all of their callers. */
  exempt: BlockList
  /** Called for each refused connection, with the address that has too many. */
  refused(address: string): void
}

/**
 * Closes connections beyond the limit of their address, so that one caller can't take all
 * connections.
 */
export function limitConnectionsPerAddress(server: Server, { most, exempt, refused }: AddressLimit): void {
  const counts = new Map<string, number>()
  server.on('connection', (socket) => {
    const address = plainAddress(socket.remoteAddress)
    if (address === undefined || exempt.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')) return
    const holder = holderOf(address)
    const count = counts.get(holder) ?? 0
    if (count >= most) {
      refused(holder)
      socket.destroy()
      return
    }
    counts.set(holder, count + 1)
    socket.once('close', () => {
      const left = (counts.get(holder) ?? 1) - 1
      if (left > 0) counts.set(holder, left)
      else counts.delete(holder)
    })
  })
}

/** Without the prefix of IPv4 addresses on a socket for both, `::ffff:`, and without a zone. */
function plainAddress(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
}

/** The /64 network of an IPv6 address, since one host has all addresses of its network. */
export function holderOf(address: string): string {
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.toLowerCase().split('::')
  const words = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - words.length - after.length
  const all = [...words, ...Array.from({ length: zeros }, () => '0'), ...after]
  return `${all.slice(0, 4).join(':')}::/64`
}
