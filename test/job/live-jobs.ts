import { expect } from 'vitest'
import type { JobBackend, LiveJob } from '../../src/job/backend.ts'
import { eventually } from '../support/time/eventually.ts'
import { patience } from '../support/time/patience.ts'

/**
 * The job once `wanted` is true of it. Rejects with its observation after `patience` times the
 * `milliseconds` that it takes on a quiet machine.
 */
export async function until(
  backend: JobBackend,
  uuid: string,
  wanted: (job: LiveJob) => boolean,
  milliseconds = 45_000,
): Promise<LiveJob> {
  const { promise, resolve, reject } = Promise.withResolvers<LiveJob>()
  const look = () => {
    const job = backend.get(uuid)
    if (job !== undefined && wanted(job)) resolve(job)
  }
  const unsubscribe = backend.subscribe((changed) => changed === uuid && look())
  const timer = setTimeout(() => {
    reject(new Error(`not as wanted: ${JSON.stringify(backend.get(uuid)?.observation)}`))
  }, milliseconds * patience)
  try {
    look()
    return await promise
  } finally {
    clearTimeout(timer)
    unsubscribe()
  }
}

/** Discards the job and waits until it is gone. */
export async function forget(backend: JobBackend, uuid: string): Promise<void> {
  await backend.discard(uuid)
  await eventually(() => expect(backend.get(uuid)).toBeUndefined(), { within: 30_000 })
}

/** Worker and uploader have ended, and no other attempt follows. */
export function hasEnded({ observation }: LiveJob): boolean {
  return observation.ended !== undefined && observation.attempt?.ended === true
}

export function nothingRuns({ observation }: LiveJob): boolean {
  return observation.ended !== undefined && observation.attempt?.ended !== false
}

export function workerOf(job: LiveJob) {
  return job.observation.attempt?.worker
}
