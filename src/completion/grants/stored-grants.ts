import type { ArtifactStore } from '../../artifact/store.ts'
import { readJson, readVersion, replaceJson } from '../json-objects.ts'
import { tryAnew } from '../try-anew.ts'
import type { Grant } from './grants.ts'

/** For this time after its last token's end a grant is kept, so that its readers are told why it opens nothing. */
const keptMilliseconds = 86_400_000
const duePrefix = 'grants-due/'

/** Grants as objects. Rejects with StoreError. */
export interface StoredGrants {
  read(id: string): Promise<Grant | undefined>
  /**
   * Writes what `decide` makes of it, and decides anew where another replica was faster; nothing where that is
   * undefined, which it gives then.
   */
  change(id: string, decide: (before: Grant | undefined) => Grant | undefined): Promise<Grant | undefined>
  remove(id: string): Promise<void>
  /** Removes those whose tokens all ended a day ago; reads no others than those that may be. */
  sweep(now: number): Promise<void>
}

export function storedGrants(store: ArtifactStore): StoredGrants {
  const grants: StoredGrants = {
    read: async (id) => (await readJson(store, keyOf(id))) as Grant | undefined,

    change: (id, decide) =>
      tryAnew(`The grant ${id}`, async () => {
        const before = await readVersion(store, keyOf(id))
        const grant = decide(before?.value as Grant | undefined)
        if (grant === undefined) return { changed: undefined }
        // First, so that none is without it.
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
        // Where it was renewed it has a later entry.
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
