import { BlockList, isIP } from 'node:net'
import { type AddressClass, classOf } from './addresses.ts'

/** The addresses that may be called (setting OUTGOING_ALLOW). */
export interface AllowRules {
  /** As parseAllow() takes them. */
  text: string
  classes: readonly Exclude<AddressClass, 'never'>[]
  /** Host names, in lower case; `*.example.org` means all names below it. */
  hosts: readonly string[]
  /** Addresses and networks. */
  networks: BlockList
}

export const allowExpected =
  'public, private, loopback, any, host names, *.domain, addresses or networks like 10.1.0.0/16, separated by commas'

/** Parses OUTGOING_ALLOW; undefined if an entry is invalid. */
export function parseAllow(text: string): AllowRules | undefined {
  const classes: AllowRules['classes'][number][] = []
  const hosts: string[] = []
  const networks = new BlockList()
  for (const entry of text.toLowerCase().split(/[\s,]+/)) {
    if (entry === '') continue
    if (entry === 'any') classes.push('public', 'private', 'loopback')
    else if (entry === 'public' || entry === 'private' || entry === 'loopback') classes.push(entry)
    else if (/^[\d.]+(?:\/|$)|:/.test(entry)) {
      if (!addNetwork(networks, entry)) return undefined
    } else if (isHostPattern(entry)) hosts.push(entry)
    else return undefined
  }
  return { text, classes, hosts, networks }
}

/**
 * Reason why a host at an address may not be called; undefined if it may be called. Without `rules`
 * only addresses of the class `never` are refused.
 */
export function addressRefusal(
  host: string,
  address: string,
  rules: AllowRules | undefined,
): string | undefined {
  const found = classOf(address)
  if (found === 'never')
    return `${address} is a link-local, metadata or reserved address, which is never called`
  if (rules === undefined || rules.classes.includes(found)) return undefined
  if (isAllowedHost(host, rules) || isInNetworks(address, rules)) return undefined
  return `${address} is a ${found} address, which OUTGOING_ALLOW does not allow`
}

function isAllowedHost(host: string, { hosts }: AllowRules): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  return hosts.some((allowed) =>
    allowed.startsWith('*.') ? name.endsWith(allowed.slice(1)) : name === allowed,
  )
}

function isInNetworks(address: string, { networks }: AllowRules): boolean {
  return networks.check(address.replace(/%.*$/, ''), isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** Adds an address or a network to the list; false if the entry is neither. */
export function addNetwork(list: BlockList, entry: string): boolean {
  const [net = '', prefix] = entry.split('/')
  const family = isIP(net)
  if (family === 0) return false
  const type = family === 6 ? 'ipv6' : 'ipv4'
  if (prefix === undefined) list.addAddress(net, type)
  else if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (family === 6 ? 128 : 32)) return false
  else list.addSubnet(net, Number(prefix), type)
  return true
}

function isHostPattern(entry: string): boolean {
  return /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/.test(entry)
}
