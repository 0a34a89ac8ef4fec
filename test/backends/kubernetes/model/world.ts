import type { KubernetesJob, Pod } from '../../../../src/backends/kubernetes/api/objects.ts'
import type { Again } from '../../../../src/backends/kubernetes/job-metadata.ts'
import { againName, annotations, finalizer, jobName } from '../../../../src/backends/kubernetes/names.ts'
import type { Stop } from '../../../../src/job/state/observation.ts'
import { at, job, ms, uuid } from '../objects.ts'
import { clusterRequest } from '../request.ts'
import { conditionsOf, newJob, ownerOf, type SimJob } from './sim-job.ts'
import { SimPod, seconds } from './sim-pod.ts'
import { SimStore } from './sim-store.ts'

/** An event of a watch. */
export interface WatchEvent<T> {
  type: 'changed' | 'deleted'
  object: T
}

/** One job in a cluster: its true state, and the events of the API server's two watches. */
export class World {
  now = ms(1)
  readonly pods: SimPod[] = []
  readonly store = new SimStore(this.pods)
  /** Every event of the watches, in order. */
  readonly jobEvents: WatchEvent<KubernetesJob>[] = []
  readonly podEvents: WatchEvent<Pod>[] = []
  jobGone = false
  deletedAt?: number
  stop?: Stop
  readonly retries: number
  readonly #request: string
  readonly #jobs: SimJob[]
  /** The decision to make another Job, which may not be made yet. */
  #again: Again | undefined
  #version = 10

  constructor(retries: number) {
    this.retries = retries
    this.#request = JSON.stringify(clusterRequest('', { retries }))
    this.#jobs = [newJob(jobName(uuid), 0, retries)]
    this.publishJob()
  }

  get suspended(): boolean {
    return this.#current.suspended
  }

  get #current(): SimJob {
    return this.#jobs.at(-1) as SimJob
  }

  get #first(): SimJob {
    return this.#jobs[0] as SimJob
  }

  get #verdict(): SimJob['verdict'] {
    return this.#isAgainMissing ? undefined : this.#current.verdict
  }

  get #isAgainMissing(): boolean {
    return (this.#again?.number ?? 0) >= this.#jobs.length
  }

  /** A pod of the Job, or the end of one, is still to come. */
  get isActive(): boolean {
    const waits = this.deletedAt === undefined && this.#verdict === undefined && !this.suspended
    return !this.jobGone && (waits || this.pods.some((one) => !one.isOver))
  }

  pod(uid: string | undefined): SimPod | undefined {
    return this.pods.find((one) => one.uid === uid)
  }

  /** The first Job, and those that followed it. */
  jobObjects(): KubernetesJob[] {
    const { deletedAt, stop } = this
    return this.#jobs.map((one) =>
      job({
        metadata: {
          ...{ name: one.name, uid: one.uid, resourceVersion: String(this.#version) },
          ...(one.number > 0 && { finalizers: [finalizer] }),
          ...(deletedAt !== undefined && { deletionTimestamp: at(seconds(deletedAt)) }),
        },
        spec: { backoffLimit: one.backoffLimit, suspend: one.suspended },
        status: {
          failed: one.failed,
          ...(one.verdict?.type === 'Complete' && { succeeded: 1 }),
          conditions: conditionsOf(one),
        },
        annotations:
          one.number > 0
            ? { [annotations.firstJob]: this.#first.uid }
            : {
                [annotations.request]: this.#request,
                ...(stop && { [annotations.stop]: JSON.stringify(stop) }),
                ...(this.#again && { [annotations.again]: JSON.stringify(this.#again) }),
              },
      }),
    )
  }

  /** Writes the API's decision to make another Job, unless the job was stopped or deleted. */
  decideAgain(next: Again): boolean {
    if (this.jobGone || this.stop || this.deletedAt !== undefined) return false
    if (next.number <= (this.#again?.number ?? 0)) return false
    this.#again = next
    this.publishJob()
    return true
  }

  /** Makes the Job that was decided. */
  makeAgain(): boolean {
    if (this.jobGone || this.#again === undefined || !this.#isAgainMissing) return false
    const { number, retries } = this.#again
    this.#jobs.push(newJob(againName(uuid, number), number, retries))
    this.publishJob()
    return true
  }

  /** Another client suspends the Job, or resumes it. */
  turn(): void {
    this.#current.suspended = !this.suspended
    this.#current.turnedAt = this.now
    this.publishJob()
  }

  list() {
    return { resourceVersion: String(this.#version), wentBack: false }
  }

  podObjects(): Pod[] {
    return this.pods.filter((one) => !one.gone).map((one) => one.object(String(this.#version)))
  }

  publishJob(): void {
    this.#version += 1
    if (this.jobGone) return
    for (const object of this.jobObjects()) this.jobEvents.push({ type: 'changed', object })
  }

  publishPod(pod: SimPod): void {
    this.store.take(pod)
    this.#version += 1
    if (!pod.gone) this.podEvents.push({ type: 'changed', object: pod.object(String(this.#version)) })
  }

  removeJob(): void {
    if (this.jobGone) return
    this.publishJob()
    for (const object of this.jobObjects()) this.jobEvents.push({ type: 'deleted', object })
    this.jobGone = true
  }

  removePod(pod: SimPod): void {
    if (pod.gone) return
    this.publishPod(pod)
    pod.gone = true
    this.podEvents.push({ type: 'deleted', object: pod.object(String(this.#version)) })
  }

  endPod(pod: SimPod, grace: number, notified: boolean): void {
    if (pod.gone || pod.isOver) return
    pod.deletion ??= { at: this.now, grace }
    pod.askToEnd(this.now, notified)
    this.publishPod(pod)
  }

  /** Writes the API's decision to stop into the annotation; no pod is stopped yet. */
  decide(outcome: Stop['outcome']): void {
    if (this.jobGone || (this.stop && (outcome !== 'deleted' || this.stop.outcome === 'deleted'))) return
    this.stop = { outcome, cause: { reason: 'Canceled', message: 'by test' }, at: this.now }
    for (const one of this.#jobs) one.backoffLimit = Math.min(one.backoffLimit, one.failed)
    this.publishJob()
  }

  /** The next step of the Job controller; `which` selects the pod that it deletes of two. */
  control(which = 0): void {
    if (this.jobGone) return
    this.#count()
    const there = this.pods.filter((one) => !one.gone && !one.isOver)
    const active = there.filter((one) => one.deletion === undefined)
    const { verdict } = this.#current
    if (this.deletedAt === undefined && verdict !== undefined) {
      for (const one of active) this.#removeExcess(one, verdict.type === 'Failed')
    } else if (this.deletedAt === undefined) {
      if (this.suspended) for (const one of there) this.#suspendPod(one)
      else if (there.length === 0) this.#startPod()
      else if (active.length > 1) this.#removeExcess(active[which % active.length] as SimPod, false)
    }
    this.publishJob()
  }

  /** The Job controller did not hear that it made the newest pod; false if it has none to repeat. */
  makeExcess(): boolean {
    const there = this.pods.filter((one) => !one.gone && !one.isOver)
    if (this.deletedAt !== undefined || this.suspended || this.#current.verdict || there.length !== 1)
      return false
    // It sees a pod within seconds.
    if (there[0]?.deletion || this.now > (there[0]?.createdAt ?? 0) + 5000) return false
    this.#makePod()
    return true
  }

  #removeExcess(pod: SimPod, isFailed: boolean): void {
    pod.excess = isFailed ? 'of-a-failed-job' : 'thrown-away'
    this.endPod(pod, 3600, true)
  }

  #count(): void {
    for (const one of this.pods.filter((pod) => !pod.counted && (pod.isOver || pod.gone))) {
      one.counted = true
      if (one.excess === 'thrown-away') continue
      const owner = this.#jobs.find(({ uid }) => uid === one.job.uid) as SimJob
      if (one.hasSucceeded) owner.verdict ??= { type: 'Complete', at: this.now }
      else if (this.deletedAt === undefined && !one.suspended) {
        // The Job's podFailurePolicy ignores a disrupted pod: another follows without a limit.
        if (one.disruption !== undefined) continue
        owner.failed += 1
        if (owner.failed > owner.backoffLimit) owner.verdict ??= { type: 'Failed', at: this.now }
      }
    }
  }

  #suspendPod(pod: SimPod): void {
    pod.suspended = true
    this.endPod(pod, 3600, true)
  }

  #startPod(): void {
    // The Job controller's least backoff.
    if (this.pods.length > 0) this.now += 10_000
    this.#makePod()
  }

  #makePod(): void {
    const pod = new SimPod(`pod-${this.pods.length + 1}`, ownerOf(this.#current), this.now)
    this.pods.push(pod)
    this.publishPod(pod)
  }
}
