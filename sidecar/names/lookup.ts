import type { LookupAddress } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { codeOf } from '../../src/util/error-code.ts'
import type { NameFiles } from './name-files.ts'

/**
 * A lookup for connections that goes by `files` alone, as getaddrinfo(3) goes by the files in /etc:
 * first hosts, then the name servers, with the search domains.
 */
export function lookupBy(files: NameFiles): LookupFunction {
  const resolver = new Resolver({ timeout: files.timeoutMs, tries: files.attempts })
  resolver.setServers(files.servers)
  return (hostname, { all, family }, callback) => {
    addressesOf(hostname, files, resolver)
      .then((found) => {
        const wanted = found.filter(
          (one) => !family || family === one.family || family === `IPv${one.family}`,
        )
        const [first] = wanted
        if (first === undefined) throw notFound(hostname)
        if (all) callback(null, wanted)
        else callback(null, first.address, first.family)
      })
      .catch((error: Error) => callback(error, []))
  }
}

async function addressesOf(
  hostname: string,
  { hosts, search, ndots }: NameFiles,
  resolver: Resolver,
): Promise<LookupAddress[]> {
  const own = hosts.get(hostname.toLowerCase())
  if (own !== undefined) return own.map((address) => ({ address, family: isIP(address) }))
  let failure: unknown
  for (const name of candidates(hostname, search, ndots)) {
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (found.length > 0) return found.map((address) => ({ address, family: isIP(address) }))
    // A server that failed may know the name, another candidate is another name.
    failure ??= answers.map((one) => one.status === 'rejected' && one.reason).find((one) => !isAbsent(one))
  }
  throw failure ?? notFound(hostname)
}

function candidates(hostname: string, search: readonly string[], ndots: number): string[] {
  if (hostname.endsWith('.')) return [hostname.slice(0, -1)]
  const longer = search.map((domain) => `${hostname}.${domain.replace(/\.$/, '')}`)
  const isLong = hostname.split('.').length - 1 >= ndots
  return isLong ? [hostname, ...longer] : [...longer, hostname]
}

function isAbsent(error: unknown): boolean {
  return error === false || codeOf(error) === 'ENOTFOUND' || codeOf(error) === 'ENODATA'
}

function notFound(hostname: string): Error {
  return Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND', hostname })
}
