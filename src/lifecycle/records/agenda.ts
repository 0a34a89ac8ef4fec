import type { ArtifactStore } from '../../store/store.ts'
import { defined } from '../../util/objects.ts'

/**
 * When the janitor inspects which job: empty objects in the store, the earliest first, so that a
 * sweep reads only the entries that are due, however many jobs there are.
 */
export interface AgendaEntry {
  key: string
  uuid: string
}

/** `agenda/<13 digits: milliseconds since the epoch>-<uuid>` */
export function agendaKey(at: number, uuid: string): string {
  return `agenda/${String(at).padStart(13, '0')}-${uuid}`
}

export async function* dueEntries(
  store: ArtifactStore,
  now: number,
  signal?: AbortSignal,
): AsyncGenerator<AgendaEntry> {
  for await (const { key } of store.list('agenda/', defined({ signal }))) {
    const [, at, uuid] = /^agenda\/(\d{13})-([0-9a-f-]{36})$/.exec(key) ?? []
    if (at === undefined || uuid === undefined) continue
    if (Number(at) > now) return
    yield { key, uuid }
  }
}
