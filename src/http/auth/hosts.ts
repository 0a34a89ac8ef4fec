import { isIP } from 'node:net'

/**
 * True if a Host header can't belong to a page of another site. With DNS rebinding such a page
 * makes its own host name resolve to this API's address; then its Origin equals the Host. It can't
 * do that with `localhost`, with an address, or with one of `names` (`*.example.org`: all names
 * below it; `*`: every name).
 *
 * A request without a Host header, which HTTP/1.0 allows, comes from no browser.
 */
export function isAllowedHost(host: string | undefined, names: readonly string[]): boolean {
  if (host === undefined) return true
  const [, address, name = ''] =
    /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(host.toLowerCase()) ?? []
  if (address !== undefined) return isIP(address) === 6
  const plain = name.replace(/\.$/, '')
  if (plain === 'localhost' || isIP(plain) === 4) return true
  return plain !== '' && names.some((allowed) => covers(allowed, plain))
}

function covers(allowed: string, name: string): boolean {
  if (allowed === '*') return true
  return allowed.startsWith('*.') ? name.endsWith(allowed.slice(1)) : name === allowed
}

/**
 * The names under which callers in a cluster reach the Service `jobferry` of a namespace, and
 * others of its Services.
 */
export function serviceNames(namespace: string, clusterDomains: readonly string[]): string[] {
  const domains = ['svc', ...clusterDomains.map((domain) => `svc.${domain}`)]
  return ['jobferry', `jobferry.${namespace}`, ...domains.map((domain) => `*.${namespace}.${domain}`)]
}

/**
 * The cluster's domains, as the search list of a pod's /etc/resolv.conf has them:
 * `<namespace>.svc.<domain>`.
 */
export function clusterDomains(resolvConf: string): string[] {
  const found = Array.from(
    resolvConf.matchAll(/\s[a-z0-9-]+\.svc\.([a-z0-9.-]+?)\.?(?=\s|$)/g),
    ([, domain = '']) => domain,
  )
  return [...new Set(['cluster.local', ...found])]
}
