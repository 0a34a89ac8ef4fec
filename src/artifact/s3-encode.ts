/** Percent-encodes every byte but the unreserved ones (RFC 3986) and `/`, as SigV4 wants the path. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeComponent).join('/')
}

/** With its `?`, as SigV4 wants it; empty for no parameters. */
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
