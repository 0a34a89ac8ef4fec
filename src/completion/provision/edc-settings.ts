/** How connectors are called; of the settings. */
export interface EdcSettings {
  /** Callbacks go below these alone; empty: anywhere that OUTGOING_ALLOW allows. */
  callbackUrls: readonly string[]
  /** For callbacks, as `x-api-key`; sent to no others than isConnectors() says. */
  apiKey?: string
  /** The management API, without a slash at its end: to terminate transfers. */
  managementUrl?: string
  managementApiKey?: string
}

/** Whether a URL is one of a connector that the settings name. */
export function isConnectors(url: string, { callbackUrls, managementUrl }: EdcSettings): boolean {
  const known = managementUrl === undefined ? callbackUrls : [...callbackUrls, managementUrl]
  return known.some((base) => isBelow(url, base))
}

/** Whether a URL is that one or lies below it. */
export function isBelow(url: string, known: string): boolean {
  if (!URL.canParse(url)) return false
  const [asked, base] = [new URL(url), new URL(known)]
  const path = base.pathname.replace(/\/+$/, '')
  if (asked.origin !== base.origin || asked.username !== '' || asked.password !== '') return false
  return asked.pathname === path || asked.pathname.startsWith(`${path}/`)
}

export function callbackHeaders(apiKey: string | undefined): Record<string, string> {
  return { 'content-type': 'application/json', ...(apiKey !== undefined && { 'x-api-key': apiKey }) }
}
