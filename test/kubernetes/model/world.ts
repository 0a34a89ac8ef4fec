import type { ManifestHead } from '../../../src/artifact/manifest.ts'
import type { Stop, Stored } from '../../../src/job/observation.ts'
import { annotations } from '../../../src/kubernetes/names.ts'
import type { Job, Pod } from '../../../src/kubernetes/objects.ts'
import { at, job, ms } from '../objects.ts'
import { clusterRequest } from '../request.ts'
import { SimPod, seconds } from './sim-pod.ts'

/** What a watch tells. */
export interface Told<T> {
  type: 'changed' | 'deleted'
  object: T
}

/** One job in a cluster: what really happens to it, and what the API server's two watches tell of that. */
export class World {
  now = ms(1)
  readonly pods: SimPod[] = []
  /** All that was ever told, in order. */
  readonly toldJobs: Told<Job>[] = []
  readonly toldPods: Told<Pod>[] = []
  suspended = false
  jobGone = false
  deletedAt?: number
  stop?: Stop
  readonly retries: number
  readonly #manifests = new Map<string, ManifestHead>()
  #backoffLimit: number
  #verdict?: { type: 'Complete' | 'Failed'; at: number }
  #failed = 0
  #turnedAt: number | undefined
  #version = 10

  constructor(retries: number) {
    this.retries = retries
    this.#backoffLimit = retries
    this.tellJob()
  }

  /** The Job still has something to come: a pod, or the end of one. */
  get isActive(): boolean {
    const waits = this.deletedAt === undefined && this.#verdict === undefined && !this.suspended
    return !this.jobGone && (waits || this.pods.some((one) => !one.isOver))
  }

  pod(uid: string | undefined): SimPod | undefined {
    return this.pods.find((one) => one.uid === uid)
  }

  /** The manifest that stands in the store. */
  manifest(attempt: string): ManifestHead | undefined {
    return this.#manifests.get(attempt)
  }

  jobObject(): Job {
    const { deletedAt, stop, suspended } = this
    return job({
      metadata: {
        resourceVersion: String(this.#version),
        ...(deletedAt === undefined ? {} : { deletionTimestamp: at(seconds(deletedAt)) }),
      },
      spec: { backoffLimit: this.#backoffLimit, suspend: suspended },
      status: {
        failed: this.#failed,
        ...(this.#verdict?.type === 'Complete' && { succeeded: 1 }),
        conditions: this.#conditions(),
      },
      marks: {
        [annotations.request]: JSON.stringify(clusterRequest('', { retries: this.retries })),
        ...(stop && { [annotations.stop]: JSON.stringify(stop) }),
      },
    })
  }

  /** Somebody suspends the Job, or resumes it. */
  turn(): void {
    this.suspended = !this.suspended
    this.#turnedAt = this.now
    this.tellJob()
  }

  list() {
    return { resourceVersion: String(this.#version), wentBack: false }
  }

  podObjects(): Pod[] {
    return this.pods.filter((one) => !one.gone).map((one) => one.object(String(this.#version)))
  }

  tellJob(): void {
    this.#version += 1
    if (!this.jobGone) this.toldJobs.push({ type: 'changed', object: this.jobObject() })
  }

  tellPod(pod: SimPod): void {
    // The first one stands.
    if (pod.manifest && !this.#manifests.has(pod.uid)) this.#manifests.set(pod.uid, pod.manifest)
    delete pod.manifest
    this.#version += 1
    if (!pod.gone) this.toldPods.push({ type: 'changed', object: pod.object(String(this.#version)) })
  }

  removeJob(): void {
    if (this.jobGone) return
    this.tellJob()
    this.toldJobs.push({ type: 'deleted', object: this.jobObject() })
    this.jobGone = true
  }

  removePod(pod: SimPod): void {
    if (pod.gone) return
    this.tellPod(pod)
    this.toldPods.push({ type: 'deleted', object: pod.object(String(this.#version)) })
    pod.gone = true
  }

  endPod(pod: SimPod, grace: number, heard: boolean): void {
    if (pod.gone || pod.isOver) return
    pod.deletion ??= { at: this.now, grace }
    pod.askToEnd(this.now, heard)
    this.tellPod(pod)
  }

  /** The API's decision, as it is written down: nothing is stopped yet. */
  decide(outcome: Stop['outcome']): void {
    if (this.jobGone || (this.stop && (outcome !== 'deleted' || this.stop.outcome === 'deleted'))) return
    this.stop = { outcome, cause: { reason: 'Canceled', message: 'by test' }, at: this.now }
    this.#backoffLimit = Math.min(this.#backoffLimit, this.#failed)
    this.tellJob()
  }

  /** What the Job controller does next. */
  control(): void {
    if (this.jobGone) return
    this.#count()
    const active = this.pods.filter((one) => !one.gone && !one.isOver)
    if (this.deletedAt === undefined && this.#verdict === undefined) {
      if (this.suspended) for (const one of active) this.#suspendPod(one)
      else if (active.length === 0) this.#startPod()
    }
    this.tellJob()
  }

  /** As lifecycle/stored.ts does it: see there. */
  lookUp(attempt: string | undefined, ended: boolean): { attempt?: string; stored?: Stored } {
    if (!ended) {
      const head = attempt === undefined ? undefined : this.#manifests.get(attempt)
      return head ? { stored: head } : {}
    }
    if (attempt !== undefined) return { stored: this.#settle(attempt) ?? 'none' }
    const found = this.pods.flatMap(({ uid }) => {
      const stored = this.#settle(uid)
      return stored ? [{ attempt: uid, stored }] : []
    })
    const newest = found.toSorted((a, b) => (a.stored.scan_started_at > b.stored.scan_started_at ? -1 : 1))[0]
    return newest ?? { stored: 'none' }
  }

  #conditions() {
    const one = (type: string, since: number, status = 'True') => ({
      type,
      status,
      lastTransitionTime: at(seconds(since)),
    })
    return [
      ...(this.#verdict ? [one(this.#verdict.type, this.#verdict.at)] : []),
      ...(this.#turnedAt ? [one('Suspended', this.#turnedAt, this.suspended ? 'True' : 'False')] : []),
    ]
  }

  #settle(attempt: string): ManifestHead | undefined {
    const pod = this.pod(attempt)
    const existing = this.#manifests.get(attempt)
    if (existing || !pod?.checkpoints) return existing
    const made = pod.head(pod.createdAt, pod.checkpoints)
    this.#manifests.set(attempt, made)
    return made
  }

  #count(): void {
    for (const one of this.pods.filter((pod) => !pod.counted && (pod.isOver || pod.gone))) {
      one.counted = true
      if (one.hasSucceeded) this.#verdict ??= { type: 'Complete', at: this.now }
      else if (this.deletedAt === undefined && !one.suspended) {
        // The Job's podFailurePolicy ignores it: another one is made, without a limit.
        if (one.disruption !== undefined) continue
        this.#failed += 1
        if (this.#failed > this.#backoffLimit) this.#verdict ??= { type: 'Failed', at: this.now }
      }
    }
  }

  #suspendPod(pod: SimPod): void {
    pod.suspended = true
    this.endPod(pod, 3600, true)
  }

  #startPod(): void {
    // Its back-off is longer.
    if (this.pods.length > 0) this.now += 1000
    const pod = new SimPod(`pod-${this.pods.length + 1}`, 'job-uid', this.now)
    this.pods.push(pod)
    this.tellPod(pod)
  }
}
