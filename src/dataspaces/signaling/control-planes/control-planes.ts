import { putJson, readJson } from '../../../store/json-objects.ts'
import type { ArtifactStore } from '../../../store/store.ts'
import { Problem } from '../../../util/errors.ts'
import { defined } from '../../../util/objects.ts'
import { sha256Hex } from '../flows/flow.ts'
import type { ControlPlaneRegistration } from '../signaling-messages.ts'

/** A control plane that this data plane may call. */
export interface ControlPlane {
  id: string
  /** Base URL of its signaling API, without a trailing slash. */
  endpoint: string
  authorization?: ControlPlaneRegistration['authorization']
  /** True if it comes from the settings. */
  trusted: boolean
}

/**
 * Registered control planes, in the store: `controlplanes/<key>.json`. Methods reject with
 * StoreError.
 */
export interface ControlPlanes {
  /** Replaces an earlier registration of the same id. */
  put(registration: ControlPlaneRegistration): Promise<void>
  /** False if there was no registration. */
  remove(id: string): Promise<boolean>
  get(id: string): Promise<ControlPlane | undefined>
  /** All registrations, unordered. */
  list(): Promise<ControlPlane[]>
}

export function createControlPlanes(store: ArtifactStore): ControlPlanes {
  const get = async (id: string) => await read(store, keyOf(id))
  return {
    get,

    async put(registration) {
      const { controlplaneId: id, endpoint, authorization } = registration
      const written = { version: 1, id, endpoint: endpoint.replace(/\/+$/, ''), authorization }
      await putJson(store, keyOf(id), written)
    },

    async remove(id) {
      if ((await store.head(keyOf(id))) === undefined) return false
      await store.remove([keyOf(id)])
      return true
    },

    async list() {
      const found: ControlPlane[] = []
      for await (const { key } of store.list('controlplanes/')) {
        const controlPlane = await read(store, key)
        if (controlPlane) found.push(controlPlane)
      }
      return found
    },
  }
}

function keyOf(id: string): string {
  return `controlplanes/${sha256Hex(id)}.json`
}

async function read(store: ArtifactStore, key: string): Promise<ControlPlane | undefined> {
  try {
    const found = (await readJson(store, key)) as ControlPlane | undefined
    if (found === undefined) return undefined
    const { id, endpoint, authorization } = found
    return { id, endpoint, ...defined({ authorization }), trusted: false }
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new Problem(
        'result-damaged',
        `The registration in the store (${key}) differs from the one that was written`,
      )
    }
    throw error
  }
}
