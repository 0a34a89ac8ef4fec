import type { List, ListQuery, Resource } from './api.ts'

/**
 * A list in pages of `limit` objects; each page is in memory as a whole. Rejects as Client.call
 * does.
 */
export async function* listPages<T>(
  resource: Resource<T>,
  query: ListQuery & { limit: number },
  signal?: AbortSignal,
): AsyncGenerator<List<T>> {
  let from: string | undefined
  do {
    const page = await resource.list({ ...query, ...(from && { continue: from }) }, signal)
    yield page
    from = page.metadata.continue
  } while (from)
}

/** All objects of a list, read in pages. Rejects as Client.call does. */
export async function listAll<T>(resource: Resource<T>, query: ListQuery = {}): Promise<T[]> {
  const items: T[] = []
  for await (const page of listPages(resource, { ...query, limit: 200 })) items.push(...page.items)
  return items
}
