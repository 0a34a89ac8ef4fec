import { layout } from '../../src/artifact/layout.ts'
import { readIfAny } from '../../src/artifact/read-whole.ts'
import type { ArtifactStore } from '../../src/artifact/store.ts'

/** The API's word to an uploader that nothing in Kubernetes reaches any more: `jobs/<uuid>/stop`. */
export interface StopObject {
  /** `deleted`: nothing may be written any more. Else: what is stored by now is to be listed in a checkpoint. */
  outcome: 'canceled' | 'failed' | 'deleted'
  /** Of contract.md's list. */
  reason: string
  message: string
}

/** Reads it; undefined where there is none. One that can't be understood counts as `canceled`. Rejects with StoreError. */
export async function readStop(
  store: ArtifactStore,
  job: string,
  signal: AbortSignal,
): Promise<StopObject | undefined> {
  const bytes = await readIfAny(store, layout.stop(job), { signal })
  return bytes && parseStop(bytes.toString('utf8'))
}

/** What it says; what can't be understood counts as `canceled`. */
export function parseStop(text: string): StopObject {
  const { outcome, cause } = toObject(text)
  const { reason, message } =
    typeof cause === 'object' && cause !== null ? (cause as Record<string, unknown>) : {}
  const known = outcome === 'deleted' || outcome === 'failed' ? outcome : 'canceled'
  return {
    outcome: known,
    reason: typeof reason === 'string' ? reason : known === 'deleted' ? 'JobDeleted' : 'Canceled',
    message: typeof message === 'string' ? message : `The job was ${known === 'failed' ? 'stopped' : known}.`,
  }
}

function toObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
