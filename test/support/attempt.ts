import type { Attempt } from '../../src/job/observation.ts'

/** Of a cluster, which tells times in whole seconds. */
const container = { resolution: 1000, restarts: 0 }

/** An attempt whose uploader is ready; its worker hasn't started, but for the given fields. */
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
