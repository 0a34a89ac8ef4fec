import type { ArtifactStore } from '../../artifact/store.ts'
import type { Dataset } from '../datasets/datasets.ts'
import { putJson, readJson, readVersion, replaceJson } from '../json-objects.ts'
import { tryAnew } from '../try-anew.ts'
import type { ProvisionRequest } from './request.ts'

/** What a connector was promised, or is to be told: `provisions/<id>.json`. Times are RFC 3339. */
export interface Provision {
  version: 1
  id: string
  request: Omit<ProvisionRequest, 'type' | 'callbackAddress'> & { callbackAddress: string }
  uuid: string
  /** Whether the job was made for it. */
  own: boolean
  dataset: Pick<Dataset, 'file' | 'format' | 'givenAs' | 'remove'>
  created_at: string
  /** When the connector asked last, and when that was answered; it is told nothing before. */
  asked_at: string
  answered_at?: string
  /** When the connector took the callback: it knows where the data is. */
  told_at?: string
  /** From then on nothing is given any more. */
  deprovisioned_at?: string
}

const duePrefix = 'provisions-due/'

/** Rejects with StoreError. */
export interface StoredProvisions {
  read(id: string): Promise<Provision | undefined>
  write(provision: Provision): Promise<void>
  /**
   * Writes what `decide` makes of it, and decides anew where another replica was faster; nothing where that is
   * undefined, and undefined where there is none.
   */
  change(id: string, decide: (before: Provision) => Provision | undefined): Promise<Provision | undefined>
  remove(id: string): Promise<void>
  /** Has it looked at after that time, in milliseconds since the epoch; gives what ends that. */
  plan(id: string, at: number): Promise<() => Promise<void>>
  /** Those to be looked at now, with what ends their being planned. */
  due(now: number): AsyncIterable<{ id: string; done(): Promise<void> }>
}

export function storedProvisions(store: ArtifactStore): StoredProvisions {
  return {
    read: async (id) => (await readJson(store, keyOf(id))) as Provision | undefined,
    write: (provision) => putJson(store, keyOf(provision.id), provision),

    change: (id, decide) =>
      tryAnew(`The provision ${id}`, async () => {
        const before = await readVersion(store, keyOf(id))
        const provision = before && decide(before.value as Provision)
        if (provision === undefined) return { changed: undefined }
        return (await replaceJson(store, keyOf(id), provision, before?.etag))
          ? { changed: provision }
          : undefined
      }),

    remove: (id) => store.remove([keyOf(id)]),

    async plan(id, at) {
      const key = `${duePrefix}${String(at).padStart(13, '0')}-${id}`
      await store.put(key, Buffer.alloc(0))
      return () => store.remove([key])
    },

    async *due(now) {
      for await (const { key } of store.list(duePrefix)) {
        const [, time, id] = /^provisions-due\/(\d{13})-([0-9a-f]+)$/.exec(key) ?? []
        if (time === undefined || id === undefined) continue
        if (Number(time) > now) return
        yield { id, done: () => store.remove([key]) }
      }
    },
  }
}

function keyOf(id: string): string {
  return `provisions/${id}.json`
}
