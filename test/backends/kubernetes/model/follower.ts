import type { KubernetesJob, Pod } from '../../../../src/backends/kubernetes/api/objects.ts'
import { JobCache } from '../../../../src/backends/kubernetes/cache/job-cache.ts'
import { nextAgain } from '../../../../src/backends/kubernetes/policies/further-job.ts'
import { missingPods } from '../../../../src/backends/kubernetes/policies/missing-pods.ts'
import { isEnded, type KnownJob } from '../../../../src/lifecycle/tracking/known-job.ts'
import { updateKnown } from '../../../../src/lifecycle/tracking/update-known.ts'
import { uuid } from '../objects.ts'
import type { WatchEvent, World } from './world.ts'

/**
 * The API's view of a World: the cache, its observations, and the states that follow from them by
 * the tracker's rules. The caller decides the order of events; the follower's clock stands still.
 */
export class Follower {
  readonly cache = new JobCache()
  /** Every state since the job was first seen, the present one last. */
  readonly states: KnownJob[] = []
  readonly #world: World
  #received = { jobs: 0, pods: 0 }
  /** Events of the watches since the last list; older events cannot arrive after a list. */
  #jobs: WatchEvent<KubernetesJob>[] = []
  #pods: WatchEvent<Pod>[] = []

  constructor(world: World) {
    this.#world = world
    this.cache.subscribe(() => this.evaluate())
  }

  get now(): KnownJob | undefined {
    return this.states.at(-1)
  }

  receiveJob(): boolean {
    const event = this.#world.jobEvents[this.#received.jobs]
    if (event === undefined) return false
    this.#received.jobs += 1
    this.#jobs.push(event)
    if (event.type === 'deleted') this.cache.loseJob(event.object)
    else this.cache.putJob(event.object)
    return true
  }

  receivePod(): boolean {
    const event = this.#world.podEvents[this.#received.pods]
    if (event === undefined) return false
    this.#received.pods += 1
    this.#pods.push(event)
    if (event.type === 'deleted') this.cache.losePod(event.object)
    else this.cache.putPod(event.object)
    return true
  }

  /** Delivers the event `back` places before the last one again. */
  receiveAgain(back: number): void {
    const pod = this.#pods.at(-1 - back)
    if (pod?.type === 'changed') this.cache.putPod(pod.object)
    const job = this.#jobs.at(-1 - back)
    if (job?.type === 'changed') this.cache.putJob(job.object)
  }

  /** Lists all Jobs, as after a broken watch. */
  listJobs(): void {
    this.#received.jobs = this.#world.jobEvents.length
    this.#jobs = []
    this.cache.listJobs(this.#world.jobGone ? [] : this.#world.jobObjects(), this.#world.list())
  }

  listPods(): void {
    this.#received.pods = this.#world.podEvents.length
    this.#pods = []
    this.cache.listPods(this.#world.podObjects(), this.#world.list())
  }

  /** Lists the job's pods if the missing-pods controller would; true if it did. */
  checkPods(): boolean {
    const seen = this.cache.cachedJob(uuid)
    const decision = seen && missingPods(seen, 0, undefined)
    if (decision === undefined || !('action' in decision)) return false
    this.cache.knowPods(uuid, decision.action.podsKey, this.#world.podObjects())
    return true
  }

  /** Decides or makes another Job if the repair controller would; true if it did. */
  runAgain(): boolean {
    const seen = this.cache.cachedJob(uuid)
    const next = seen && nextAgain(seen)
    if (next === undefined) return false
    return this.#world.decideAgain(next) || this.#world.makeAgain()
  }

  /** Looks up the manifest if the tracker would; true if there was an answer. */
  lookUp(): boolean {
    const { now } = this
    if (!now?.assessment.awaitsManifest) return false
    const found = this.#world.store.lookUp(now.attempt, isEnded(now.live))
    if (found.stored === undefined) return false
    const attempt = found.attempt ?? now.attempt
    this.states.splice(-1, 1, { ...now, attempt, stored: { attempt, results: found.stored } })
    this.evaluate()
    return true
  }

  evaluate(): void {
    const live = this.cache.get(uuid)
    if (live === undefined) return
    this.states.push(updateKnown(this.now, live, { now: 0, isLeader: true, isCurrent: true }))
  }
}
