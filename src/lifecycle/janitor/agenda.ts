import type { ArtifactStore } from '../../artifact/store.ts'

/**
 * When the janitor is to look at which job: empty objects in the store, the earliest first, so that a sweep reads
 * those that are due and no other, however many jobs there are.
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
  for await (const { key } of store.list('agenda/', signal ? { signal } : {})) {
    const [, at, uuid] = /^agenda\/(\d{13})-([0-9a-f-]{36})$/.exec(key) ?? []
    if (at === undefined || uuid === undefined) continue
    if (Number(at) > now) return
    yield { key, uuid }
  }
}
