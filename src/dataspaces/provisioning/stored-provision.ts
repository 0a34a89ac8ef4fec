import { putJson, readJson, readVersion, replaceJson } from '../../store/json-objects.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { updateWithRetry } from '../../store/update-json.ts'
import type { Dataset } from '../datasets/datasets.ts'
import type { ProvisionRequest } from './provision-request.ts'

/** A connector's provision: `provisions/<id>.json` in the store. Times are RFC 3339. */
export interface Provision {
  version: 1
  id: string
  request: Omit<ProvisionRequest, 'type' | 'callbackAddress'> & { callbackAddress: string }
  uuid: string
  /** True if the job was made for this provision. */
  own: boolean
  dataset: Pick<Dataset, 'file' | 'format' | 'givenAs' | 'remove'>
  created_at: string
  /** Time of the connector's last request and of its answer; callbacks wait for the answer. */
  asked_at: string
  answered_at?: string
  /** Time when the connector accepted the callback. */
  told_at?: string
  /** Time of deprovisioning: from then on no access is given. */
  deprovisioned_at?: string
}

const duePrefix = 'provisions-due/'

/** Provisions as objects of the store. Methods reject with StoreError. */
export interface StoredProvisions {
  read(id: string): Promise<Provision | undefined>
  write(provision: Provision): Promise<void>
  /**
   * Replaces the provision by `decide`'s answer and decides again if another replica wrote first.
   * Writes nothing if the answer is undefined; resolves with undefined if there is no provision.
   */
  change(id: string, decide: (before: Provision) => Provision | undefined): Promise<Provision | undefined>
  remove(id: string): Promise<void>
  /**
   * Schedules a look at the provision, in milliseconds since the epoch; resolves with the
   * schedule's entry.
   */
  plan(id: string, at: number): Promise<() => Promise<void>>
  /** Provisions that are due, each with its entry of the schedule. */
  due(now: number): AsyncIterable<{ id: string; done(): Promise<void> }>
}

export function storedProvisions(store: ArtifactStore): StoredProvisions {
  return {
    read: async (id) => (await readJson(store, keyOf(id))) as Provision | undefined,
    write: (provision) => putJson(store, keyOf(provision.id), provision),

    change: (id, decide) =>
      updateWithRetry(`The provision ${id}`, async () => {
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
