import { defined } from '../../util/objects.ts'
/** The settings for calls to connectors. */
export interface EdcSettings {
  /** Callbacks are allowed below these URLs only; empty: wherever OUTGOING_ALLOW allows. */
  callbackUrls: readonly string[]
  /** Sent as `x-api-key` with callbacks, only to URLs for which isConnectors() is true. */
  apiKey?: string | undefined
  /** The management API that terminates transfers, without a trailing slash. */
  managementUrl?: string | undefined
  managementApiKey?: string | undefined
}

/** True if a URL belongs to a connector that the settings name. */
export function isConnectors(url: string, { callbackUrls, managementUrl }: EdcSettings): boolean {
  const known = managementUrl === undefined ? callbackUrls : [...callbackUrls, managementUrl]
  return known.some((base) => isBelow(url, base))
}

/** True if a URL equals `base` or lies below it. */
export function isBelow(url: string, known: string): boolean {
  if (!URL.canParse(url)) return false
  const [asked, base] = [new URL(url), new URL(known)]
  const path = base.pathname.replace(/\/+$/, '')
  if (asked.origin !== base.origin || asked.username !== '' || asked.password !== '') return false
  return asked.pathname === path || asked.pathname.startsWith(`${path}/`)
}

export function callbackHeaders(apiKey: string | undefined): Record<string, string> {
  return { 'content-type': 'application/json', ...defined({ 'x-api-key': apiKey }) }
}
