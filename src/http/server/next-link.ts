/** A link to the next page, with `more` parameters; null if this page is the last one. */
export function nextLink(
  path: string,
  query: Readonly<Record<string, string | number | undefined>>,
  publicUrl = '',
  more: readonly (readonly [name: string, value: string])[] = [],
): string | null {
  if (query.after === undefined) return null
  const search = new URLSearchParams()
  for (const [name, value] of more) search.append(name, value)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value))
  }
  return `${publicUrl}${path}?${search}`
}
