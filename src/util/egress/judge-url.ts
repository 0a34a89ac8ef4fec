import { lookup as resolve } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { type AllowRules, addressRefusal } from './allow.ts'
import { OutgoingError } from './outgoing-calls.ts'

const maxUrl = 2048

/**
 * The problem of a URL before its name is resolved; no connection looks up an address in a
 * URL.
 */
export function urlRefusal(
  text: string,
  rules: AllowRules | undefined,
): { problem: string; expected: string } | undefined {
  const wrong = (problem: string, expected: string) => ({ problem, expected })
  if (!URL.canParse(text) || text.length > maxUrl) {
    return wrong('it is not a URL', `an http:// or https:// URL of at most ${maxUrl} characters`)
  }
  const { protocol, username, password, hostname } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:') {
    return wrong(`${protocol} is not allowed`, 'an http:// or https:// URL')
  }
  if (username !== '' || password !== '') {
    return wrong('it contains credentials', 'a URL without user name and password')
  }
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  const why = isIP(address) === 0 ? undefined : addressRefusal(hostname, address, rules)
  return why === undefined ? undefined : wrong(why, `another address: ${why}`)
}

/**
 * Resolves to the allowed addresses only, so that connections are made to checked addresses only.
 */
export function lookupAllowed(rules: AllowRules | undefined): LookupFunction {
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '')
      const refusals = found.map(({ address }) => addressRefusal(host, address, rules))
      const allowed = found.filter((_, index) => refusals[index] === undefined)
      const [first] = allowed
      if (first === undefined) {
        return callback(new OutgoingError('forbidden', `${host}: ${refusals[0] ?? 'it has no address'}`), '')
      }
      if (options.all) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
  }
}
