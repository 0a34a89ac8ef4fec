import { listPosition } from './records/list-position.ts'
import type { TrackedJob } from './tracking/known-job.ts'

/** The tracker's entry of a job: `known` is replaced at each change. */
export interface JobEntry {
  readonly known: TrackedJob
}

/** The live jobs in the order of the list of all jobs. The list doesn't change; its entries do. */
export interface LiveList {
  /** Sorted by position: newest first. Includes jobs that are being deleted. */
  readonly jobs: readonly { readonly position: string; readonly entry: JobEntry }[]
  readonly uuids: ReadonlySet<string>
}

/** Sorts the live jobs once for all requests until a job is added or removed. */
export class NewestFirst {
  #list: LiveList | undefined

  /** A job was added or removed. */
  changed(): void {
    this.#list = undefined
  }

  of(entries: ReadonlyMap<string, JobEntry>): LiveList {
    this.#list ??= {
      jobs: Array.from(entries.values(), (entry) => ({ position: positionOf(entry), entry })).sort(
        byPosition,
      ),
      uuids: new Set(entries.keys()),
    }
    return this.#list
  }
}

/** The index of the first job after a position. */
export function indexAfter(
  { jobs }: { readonly jobs: readonly { readonly position: string }[] },
  position: string,
): number {
  let [low, high] = [0, jobs.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((jobs[middle]?.position ?? '') <= position) low = middle + 1
    else high = middle
  }
  return low
}

function positionOf({ known: { live } }: JobEntry): string {
  return listPosition(live.uuid, live.observation.createdAt)
}

function byPosition(a: { position: string }, b: { position: string }): number {
  return a.position < b.position ? -1 : 1
}
