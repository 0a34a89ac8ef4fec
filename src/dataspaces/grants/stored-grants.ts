import { readJson, readVersion, replaceJson } from '../../store/json-objects.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { updateWithRetry } from '../../store/update-json.ts'
import type { Grant } from './grants.ts'

/**
 * A grant is kept this long after its last token expired, so that readers are told that it expired.
 */
const keptMilliseconds = 86_400_000
const duePrefix = 'grants-due/'

/** Grants as objects of the store. Methods reject with StoreError. */
export interface StoredGrants {
  read(id: string): Promise<Grant | undefined>
  /**
   * Replaces the grant by `decide`'s answer and decides again if another replica wrote first.
   * Writes nothing and resolves with undefined if the answer is undefined.
   */
  change(id: string, decide: (before: Grant | undefined) => Grant | undefined): Promise<Grant | undefined>
  remove(id: string): Promise<void>
  /**
   * Removes grants whose last token expired more than a day ago; reads only grants that are due.
   */
  sweep(now: number): Promise<void>
}

export function storedGrants(store: ArtifactStore): StoredGrants {
  const grants: StoredGrants = {
    read: async (id) => (await readJson(store, keyOf(id))) as Grant | undefined,

    change: (id, decide) =>
      updateWithRetry(`The grant ${id}`, async () => {
        const before = await readVersion(store, keyOf(id))
        const grant = decide(before?.value as Grant | undefined)
        if (grant === undefined) return { changed: undefined }
        // Written first, so that every grant has an entry.
        await store.put(dueKey(grant), Buffer.alloc(0))
        return (await replaceJson(store, keyOf(id), grant, before?.etag)) ? { changed: grant } : undefined
      }),

    remove: (id) => store.remove([keyOf(id)]),

    async sweep(now) {
      for await (const { key } of store.list(duePrefix)) {
        const [, time, id] = /^grants-due\/(\d{13})-([\w-]+)$/.exec(key) ?? []
        if (time === undefined || id === undefined) continue
        if (Number(time) > now) return
        const grant = await grants.read(id)
        // A renewed grant has a later entry.
        if (grant && dueOf(grant) <= now) await grants.remove(id)
        await store.remove([key])
      }
    },
  }
  return grants
}

function keyOf(id: string): string {
  return `grants/${id}.json`
}

function dueKey(grant: Grant): string {
  return `${duePrefix}${String(dueOf(grant)).padStart(13, '0')}-${grant.id}`
}

function dueOf({ secrets }: Grant): number {
  const ends = secrets.map(({ expires_at }) => Date.parse(expires_at))
  return Math.max(0, ...ends) + keptMilliseconds
}
