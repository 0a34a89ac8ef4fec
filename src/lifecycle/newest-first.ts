import { listPosition } from './records.ts'
import type { TrackedJob } from './tracked.ts'

/** The live jobs as they stand in the list of all jobs; it doesn't change. */
export interface LiveList {
  /** By their positions, so newest first; those that are being deleted included. */
  readonly jobs: readonly { readonly position: string; readonly job: TrackedJob }[]
  readonly uuids: ReadonlySet<string>
}

/** Sorts the live jobs once for all pages that are asked for until one comes or goes. */
export class NewestFirst {
  #list: LiveList | undefined

  /** Another job is there, or one is there no more. */
  changed(): void {
    this.#list = undefined
  }

  of(jobs: ReadonlyMap<string, TrackedJob>): LiveList {
    this.#list ??= {
      jobs: Array.from(jobs.values(), (job) => ({ position: positionOf(job), job })).sort(byPosition),
      uuids: new Set(jobs.keys()),
    }
    return this.#list
  }
}

/** The index of the first one behind a position. */
export function firstBehind({ jobs }: LiveList, position: string): number {
  let [low, high] = [0, jobs.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((jobs[middle]?.position ?? '') <= position) low = middle + 1
    else high = middle
  }
  return low
}

function positionOf({ live }: TrackedJob): string {
  return listPosition(live.uuid, live.observation.createdAt)
}

function byPosition(a: { position: string }, b: { position: string }): number {
  return a.position < b.position ? -1 : 1
}
