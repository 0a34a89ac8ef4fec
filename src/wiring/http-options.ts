import type { Config } from '../config/config.ts'
import { isLoopback } from '../config/groups/callers/http-group.ts'
import type { HttpOptions } from '../http/options.ts'
import { defined } from '../util/objects.ts'
import { type BackendTraits, backendTraits } from './backend-traits.ts'
import type { StartToken } from './start-token.ts'

/** `startToken`: a token that was made at start, beside those of the settings. */
export function httpOptions(config: Config, startToken?: StartToken): HttpOptions {
  const { http, auth, limits, jobs } = config
  const { token } = startToken ?? {}
  const traits = backendTraits(config)
  return {
    ...http,
    ...auth,
    tokens: [...auth.tokens, ...(token ? [token] : [])],
    provisionTokens: [...auth.provisionTokens],
    inputMaxBytes: jobs.inputMaxBytes,
    bodiesMaxBytes: limits.bodies,
    downloadsMax: limits.downloads,
    downloadShares: {
      ...defined({ perToken: limits.downloadsPerToken, perGrant: limits.downloadsPerGrant }),
    },
    allowedHosts: allowedHosts(config, traits),
    ...traits.fields,
  }
}

/**
 * Replaces the tokens in place: the guards look into the same lists at each request. A token that was
 * made at start stays as long as the settings have none: an empty list lets everybody in.
 */
export function setTokens({ tokens, provisionTokens = [] }: HttpOptions, auth: Config['auth']): void {
  if (auth.tokens.length > 0) tokens.splice(0, tokens.length, ...auth.tokens)
  provisionTokens.splice(0, provisionTokens.length, ...auth.provisionTokens)
}

/**
 * Names are checked on loopback, and elsewhere without API_TOKENS: a page of another site has no
 * token. With API_TOKENS they are checked if ALLOWED_HOSTS has names.
 */
function allowedHosts({ http, auth }: Config, traits: BackendTraits): string[] | undefined {
  const { host, publicUrl, allowedHosts: named } = http
  if (!isLoopback(host) && auth.tokens.length > 0 && named.length === 0) return undefined
  return [
    ...named.map((name) => name.toLowerCase()),
    ...(publicUrl === undefined ? [] : [new URL(publicUrl).hostname]),
    ...traits.hostNames(),
  ]
}
