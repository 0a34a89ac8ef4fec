import type { ArtifactStore } from '../../artifact/store.ts'
import { Problem } from '../../errors.ts'
import { putJson, readJson } from '../json-objects.ts'
import { sha256Hex } from './flow.ts'
import type { ControlPlaneRegistration } from './messages.ts'

/** A control plane that this data plane may call. */
export interface ControlPlane {
  id: string
  /** The base of its signaling API, without a slash at the end. */
  endpoint: string
  authorization?: ControlPlaneRegistration['authorization']
  /** It stands in the settings. */
  trusted: boolean
}

/** Control planes that registered themselves, in the store: `controlplanes/<key>.json`. Rejects with StoreError. */
export interface ControlPlanes {
  /** Replaces what was registered under the id. */
  put(registration: ControlPlaneRegistration): Promise<void>
  /** False where there was none. */
  remove(id: string): Promise<boolean>
  get(id: string): Promise<ControlPlane | undefined>
  /** In no order that means anything. */
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
    return { id, endpoint, ...(authorization && { authorization }), trusted: false }
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new Problem('result-damaged', `The registration in the store (${key}) is not what was written`)
    }
    throw error
  }
}
