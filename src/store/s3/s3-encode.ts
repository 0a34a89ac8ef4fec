/** Percent-encodes a path for SigV4: every byte except `/` and the unreserved ones (RFC 3986). */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeComponent).join('/')
}

/** The query with its `?`, encoded as SigV4 requires; empty without parameters. */
export function encodeQuery(query: Record<string, string>): string {
  const pairs = Object.entries(query).map(
    ([name, value]) => `${encodeComponent(name)}=${encodeComponent(value)}`,
  )
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

function encodeComponent(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
