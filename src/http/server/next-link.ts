/** A link to the next page; null if this page is the last one. */
export function nextLink(
  path: string,
  query: Readonly<Record<string, string | number | undefined>>,
  publicUrl = '',
): string | null {
  if (query.after === undefined) return null
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value))
  }
  return `${publicUrl}${path}?${search}`
}
