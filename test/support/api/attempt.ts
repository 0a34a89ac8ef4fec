import type { Attempt } from '../../../src/job/state/observation.ts'

/** A container on a cluster, whose times are whole seconds. */
const container = { resolution: 1000, restarts: 0 }

/**
 * An attempt whose uploader is ready and whose worker hasn't
 * started, overridden by the given fields.
 */
export function attempt(worker: Partial<Attempt['worker']> = {}, fields: Partial<Attempt> = {}): Attempt {
  return {
    uid: 'a',
    number: 1,
    scheduled: true,
    uploader: { ...container, ready: true },
    worker: { ...container, ...worker },
    ended: false,
    ...fields,
  }
}
