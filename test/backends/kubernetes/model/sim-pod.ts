import type { Pod } from '../../../../src/backends/kubernetes/api/objects.ts'
import { trackingFinalizer } from '../../../../src/backends/kubernetes/names.ts'
import type { ManifestHead } from '../../../../src/result-format/manifest/manifest.ts'
import { defined } from '../../../../src/util/objects.ts'
import { at, ms, pod, running, terminated, uuid, waiting } from '../objects.ts'

/** A pod's true state, and the Pod object that the cluster shows. Times are in milliseconds. */
export class SimPod {
  readonly uid: string
  readonly createdAt: number
  readonly worker: { startedAt?: number; endedAt?: number; code?: number; reason?: string } = {}
  readonly uploader: { startedAt?: number; ready?: true; endedAt?: number; restarts: number } = {
    restarts: 0,
  }
  deletion?: { at: number; grace: number }
  disruption?: { at: number; reason: string }
  /** The moment at which the machine failed to start the worker. */
  brokenAt?: number
  evicted = false
  /** The first moment at which its end was requested. */
  askedToEndAt?: number
  /** The moment at which the uploader was notified of it. */
  notifiedAt?: number
  /** Its object is gone; its containers may still run. */
  gone = false
  /** Its kubelet reports no status at the moment. */
  silent = false
  counted = false
  /** It was ended because its Job was suspended. */
  suspended = false
  /** The Job controller deleted it beside another pod, and counts it if its Job had failed. */
  excess: 'thrown-away' | 'of-a-failed-job' | undefined
  checkpoints = 0
  manifest?: ManifestHead
  readonly job: { name: string; uid: string }
  #node = false
  /** The start of the running scan or, without one, of the last. */
  #scannedAt: number | undefined
  #scanning = false
  #committed = false
  #reported: Pod['status']

  constructor(uid: string, job: { name: string; uid: string }, now: number) {
    this.uid = uid
    this.job = job
    this.createdAt = now
  }

  /** All its containers have ended. */
  get isOver(): boolean {
    const { startedAt, endedAt } = this.worker
    if (startedAt === undefined) return this.uploader.endedAt !== undefined && this.#isDying
    return endedAt !== undefined && this.uploader.endedAt !== undefined
  }

  get isRunning(): boolean {
    return this.worker.startedAt !== undefined && this.worker.endedAt === undefined
  }

  get hasSucceeded(): boolean {
    return this.isOver && this.worker.code === 0 && !this.evicted
  }

  get #isDying(): boolean {
    return this.deletion !== undefined || this.evicted || this.brokenAt !== undefined
  }

  /** The next step of kubelet or uploader; false if both wait. */
  advance(now: number): boolean {
    const { worker, uploader } = this
    if (this.isOver) return false
    if (worker.startedAt === undefined && this.#isDying) uploader.endedAt = now
    else if (!this.#node) this.#node = true
    else if (uploader.startedAt === undefined) uploader.startedAt = now
    else if (uploader.endedAt !== undefined) this.#restartUploader(now)
    else if (this.#scanning) this.#commit()
    else if (this.#committed) uploader.endedAt = now
    else if (!uploader.ready) uploader.ready = true
    else if (worker.startedAt === undefined) worker.startedAt = now
    else if (worker.endedAt === undefined) return false
    else this.#scan(now)
    return true
  }

  /** The machine fails to start the worker; false if the pod is not about to start it. */
  breakStart(now: number): boolean {
    if (this.worker.startedAt !== undefined || !this.uploader.ready || this.#isDying) return false
    if (this.#uploads) this.brokenAt = now
    return this.brokenAt !== undefined
  }

  /** Returns the moment of the end, which is never in the second of the last scan's start. */
  endWorker(now: number, code: number, reason = code === 0 ? 'Completed' : 'Error'): number {
    const early =
      this.#scannedAt !== undefined && Math.floor(this.#scannedAt / 1000) === Math.floor(now / 1000)
    const end = early ? now + 1000 : now
    Object.assign(this.worker, { endedAt: end, code, reason })
    return end
  }

  /** SIGTERM to the uploader, which treats it as the worker's end. */
  terminateUploader(now: number): void {
    if (this.worker.startedAt === undefined) this.killUploader(now)
    else if (this.#uploads && !this.#scanning && !this.#committed) this.#scan(now)
  }

  killUploader(now: number): void {
    if (!this.#uploads) return
    this.#scanning = false
    this.#committed = false
    this.uploader.endedAt = now
  }

  checkpoint(): void {
    if (this.#uploads && this.worker.startedAt !== undefined) this.checkpoints += 1
  }

  askToEnd(now: number, notified: boolean): void {
    this.askedToEndAt ??= now
    if (notified && this.#uploads) this.notifiedAt ??= now
  }

  evict(now: number): void {
    this.evicted = true
    this.askToEnd(now, false)
    if (this.isRunning) this.endWorker(now, 137)
    this.killUploader(now)
    this.uploader.endedAt ??= now
  }

  head(scannedAt: number, checkpoint?: number): ManifestHead {
    return {
      version: 1,
      job: uuid,
      attempt: this.uid,
      scan_started_at: new Date(scannedAt).toISOString(),
      ...(this.notifiedAt !== undefined && { stop_seen_at: new Date(this.notifiedAt).toISOString() }),
      count: 1,
      bytes: 1,
      errors: 0,
      ...defined({ checkpoint }),
    }
  }

  object(resourceVersion: string): Pod {
    if (!this.silent) this.#reported = this.#status()
    const { deletion } = this
    return pod({
      metadata: {
        name: this.uid,
        uid: this.uid,
        resourceVersion,
        creationTimestamp: at(seconds(this.createdAt)),
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', ...this.job }],
        ...(deletion && {
          deletionTimestamp: at(seconds(deletion.at) + deletion.grace),
          deletionGracePeriodSeconds: deletion.grace,
        }),
        ...(this.#isTracked && { finalizers: [trackingFinalizer] }),
      },
      ...(this.#node && { nodeName: 'node' }),
      status: { ...this.#reported, conditions: this.#conditions() ?? [] },
    })
  }

  /** The Job controller's finalizer is on it. */
  get #isTracked(): boolean {
    return !this.counted && !this.gone && !this.suspended && this.excess !== 'thrown-away'
  }

  get #uploads(): boolean {
    return this.uploader.startedAt !== undefined && this.uploader.endedAt === undefined
  }

  #restartUploader(now: number): void {
    delete this.uploader.endedAt
    this.uploader.startedAt = now
    this.uploader.restarts += 1
    this.#committed = false
  }

  #scan(now: number): void {
    this.#scanning = true
    this.#scannedAt = now
  }

  #commit(): void {
    this.#scanning = false
    this.#committed = true
    this.manifest = this.head(this.#scannedAt ?? 0)
  }

  #status(): Pod['status'] {
    const { worker, uploader } = this
    const ended = this.isOver ? (this.hasSucceeded ? 'Succeeded' : 'Failed') : undefined
    return {
      phase: ended ?? (worker.startedAt === undefined ? 'Pending' : 'Running'),
      ...(this.evicted && { reason: 'Evicted', message: 'The node was low on resource: memory.' }),
      initContainerStatuses: this.#node
        ? [
            {
              ...status('uploader', uploader.restarts),
              ...stateOf(uploader),
              started: uploader.ready === true,
            },
          ]
        : [],
      containerStatuses: this.#node ? [{ ...status('worker', 0), ...this.#workerState() }] : [],
    }
  }

  #workerState() {
    if (this.brokenAt === undefined) return stateOf(this.worker)
    const finishedAt = at(seconds(this.brokenAt))
    const message = 'failed to create containerd task: failed to start shim: signal: killed'
    const start = { reason: 'StartError', startedAt: '1970-01-01T00:00:00Z', finishedAt, message }
    return { state: { terminated: { exitCode: 128, ...start } } }
  }

  #conditions(): NonNullable<Pod['status']>['conditions'] {
    if (this.disruption === undefined) return []
    const { at: since, reason } = this.disruption
    return [{ type: 'DisruptionTarget', status: 'True', reason, lastTransitionTime: at(seconds(since)) }]
  }
}

/** Whole seconds since `created`: Kubernetes rounds times down. */
export function seconds(milliseconds: number): number {
  return Math.floor((milliseconds - ms(0)) / 1000)
}

function status(name: string, restartCount: number) {
  return { name, image: `${name}:1`, imageID: '', ready: false, restartCount }
}

function stateOf(one: { startedAt?: number; endedAt?: number; code?: number; reason?: string }) {
  if (one.startedAt === undefined) return waiting('PodInitializing')
  const from = seconds(one.startedAt)
  if (one.endedAt === undefined) return running(from)
  return terminated(one.code ?? 0, from, seconds(one.endedAt), defined({ reason: one.reason }))
}
