import type { Api, List } from '../api/api.ts'
import type { Event } from '../api/objects.ts'

const pageSize = 500

/** The warnings about one object, by its UID. */
export async function warningsOf(api: Api, uid: string): Promise<Event[]> {
  const { items } = await api.events.list({
    fieldSelector: `involvedObject.uid=${uid},type=Warning`,
    limit: 200,
  })
  return items
}

/** The warnings about all objects whose UID is in `wanted`, by UID. */
export async function allWarnings(api: Api, wanted: ReadonlySet<string>): Promise<Map<string, Event[]>> {
  const found = new Map<string, Event[]>()
  let page: List<Event> | undefined
  do {
    const from = page?.metadata.continue
    const query = { fieldSelector: 'type=Warning', limit: pageSize }
    page = await api.events.list(from ? { ...query, continue: from } : query)
    for (const event of page.items) {
      const { uid } = event.involvedObject
      if (uid === undefined || !wanted.has(uid)) continue
      const known = found.get(uid)
      if (known) known.push(event)
      else found.set(uid, [event])
    }
  } while (page.metadata.continue)
  return found
}
