import { isFinal } from '../../../src/job/job.ts'
import type { Stored } from '../../../src/job/observation.ts'
import { assess } from '../../../src/job/state.ts'
import { JobCache } from '../../../src/kubernetes/cache.ts'
import type { Job, Pod } from '../../../src/kubernetes/objects.ts'
import { getsNoMorePods, mayLackPods, podsKey } from '../../../src/kubernetes/observe.ts'
import { jobAnswer } from '../../../src/lifecycle/job-answer.ts'
import { isEnded, type TrackedJob } from '../../../src/lifecycle/tracked.ts'
import { attemptOf, lasting } from '../../../src/lifecycle/tracker.ts'
import { uuid } from '../objects.ts'
import type { Told, World } from './world.ts'

/**
 * What the API makes of what it is told: the cache, what is observed in it, and the states that follow. The order
 * in which it is told is the caller's; of the tracker it has the rules and no clock.
 */
export class Follower {
  readonly cache = new JobCache()
  /** Every state since the job was first seen, the present one last. */
  readonly states: TrackedJob[] = []
  readonly #world: World
  #heard = { jobs: 0, pods: 0 }
  /** What the watches brought since the last list: nothing from before one comes after it. */
  #jobs: Told<Job>[] = []
  #pods: Told<Pod>[] = []
  #stored: Stored | undefined
  #storedFor: string | undefined

  constructor(world: World) {
    this.#world = world
    this.cache.subscribe(() => this.evaluate())
  }

  get now(): TrackedJob | undefined {
    return this.states.at(-1)
  }

  hearJob(): boolean {
    const told = this.#world.toldJobs[this.#heard.jobs]
    if (told === undefined) return false
    this.#heard.jobs += 1
    this.#jobs.push(told)
    if (told.type === 'deleted') this.cache.loseJob(told.object)
    else this.cache.putJob(told.object)
    return true
  }

  hearPod(): boolean {
    const told = this.#world.toldPods[this.#heard.pods]
    if (told === undefined) return false
    this.#heard.pods += 1
    this.#pods.push(told)
    if (told.type === 'deleted') this.cache.losePod(told.object)
    else this.cache.putPod(told.object)
    return true
  }

  /** Something that was told before comes once more, late. */
  hearAgain(back: number): void {
    const pod = this.#pods.at(-1 - back)
    if (pod?.type === 'changed') this.cache.putPod(pod.object)
    const job = this.#jobs.at(-1 - back)
    if (job?.type === 'changed') this.cache.putJob(job.object)
  }

  /** The watch was lost, and all is listed. */
  listJobs(): void {
    this.#heard.jobs = this.#world.toldJobs.length
    this.#jobs = []
    this.cache.listJobs(this.#world.jobGone ? [] : [this.#world.jobObject()], this.#world.list())
  }

  listPods(): void {
    this.#heard.pods = this.#world.toldPods.length
    this.#pods = []
    this.cache.listPods(this.#world.podObjects(), this.#world.list())
  }

  /** Asks for the job's pods, where kubernetes/pod-check.ts would. */
  checkPods(): boolean {
    const seen = this.cache.seen(uuid)
    if (!seen || seen.podsKnown || !getsNoMorePods(seen.job) || !mayLackPods(seen.job, seen.pods))
      return false
    this.cache.knowPods(uuid, podsKey(seen.job), this.#world.podObjects())
    return true
  }

  /** Asks the store, where the tracker would. */
  lookUp(): boolean {
    const { now } = this
    if (!now?.assessment.awaitsManifest) return false
    const found = this.#world.lookUp(now.attempt, isEnded(now.live))
    if (found.stored === undefined) return false
    this.#stored = found.stored
    this.#storedFor = found.attempt ?? now.attempt
    now.attempt = this.#storedFor
    this.evaluate()
    return true
  }

  evaluate(): void {
    const live = this.cache.get(uuid)
    if (live === undefined) return
    const before = this.now
    const isOver = before !== undefined && isFinal(before.assessment.state)
    const attempt = attemptOf(before, live)
    const stored = this.#storedFor === attempt ? this.#stored : undefined
    const assessment = lasting(before, assess(live.observation, stored, live.request.retries))
    const answer = isOver ? before.answer : jobAnswer(live, assessment, attempt)
    this.states.push({ live, assessment, attempt, answer, overdue: false, givenUp: false })
  }
}
