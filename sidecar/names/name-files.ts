import { isIP } from 'node:net'

/** What /etc/hosts and /etc/resolv.conf say: hosts(5), resolv.conf(5). */
export interface NameFiles {
  /** Addresses by name in lower case. */
  hosts: ReadonlyMap<string, readonly string[]>
  /** Addresses of the name servers, with a port where it is not 53. */
  servers: readonly string[]
  /** Domains that are appended to short names. */
  search: readonly string[]
  /** A name with fewer dots is tried with the domains first. */
  ndots: number
  timeoutMs: number
  attempts: number
}

export function parseNameFiles(hosts: string, resolvConf: string): NameFiles {
  const lines = fieldsOf(resolvConf)
  const values = (keyword: string) =>
    lines.filter(([first]) => first === keyword).map(([, ...others]) => others)
  const options = new Map(
    values('options')
      .flat()
      .map((text) => [text.split(':')[0], text.split(':')[1]]),
  )
  const option = (name: string, otherwise: number) => {
    const value = Number(options.get(name) ?? otherwise)
    return Number.isSafeInteger(value) && value >= 0 ? value : otherwise
  }
  const servers = values('nameserver').flatMap(([address = '']) => (isIP(address) === 0 ? [] : [address]))
  // The last line of the two counts.
  const domains = lines.filter(([first]) => first === 'search' || first === 'domain').at(-1)
  return {
    hosts: parseHosts(hosts),
    servers: servers.length === 0 ? ['127.0.0.1'] : servers,
    search: domains?.slice(1) ?? [],
    ndots: option('ndots', 1),
    timeoutMs: option('timeout', 5) * 1000,
    attempts: Math.max(1, option('attempts', 2)),
  }
}

function parseHosts(text: string): Map<string, string[]> {
  const hosts = new Map<string, string[]>()
  for (const [address = '', ...names] of fieldsOf(text)) {
    if (isIP(address) === 0) continue
    for (const name of names.map((one) => one.toLowerCase())) {
      hosts.set(name, [...(hosts.get(name) ?? []), address])
    }
  }
  return hosts
}

/** The fields of each line, without comments and empty lines. */
function fieldsOf(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.replace(/[#;].*/, '').trim())
    .filter((line) => line !== '')
    .map((line) => line.split(/\s+/))
}
