import type { ManifestHead } from '../../../src/artifact/manifest.ts'
import { jobName } from '../../../src/kubernetes/names.ts'
import type { Pod } from '../../../src/kubernetes/objects.ts'
import { at, ms, pod, running, terminated, uuid, waiting } from '../objects.ts'

/** A pod as it really is, and what the kubelet and the API server tell of it. Times are milliseconds. */
export class SimPod {
  readonly uid: string
  readonly createdAt: number
  readonly worker: { startedAt?: number; endedAt?: number; code?: number; reason?: string } = {}
  readonly uploader: { startedAt?: number; ready?: true; endedAt?: number; restarts: number } = {
    restarts: 0,
  }
  deletion?: { at: number; grace: number }
  disruption?: { at: number; reason: string }
  evicted = false
  /** The first moment at which anybody asked for its end. */
  askedToEndAt?: number
  /** The uploader was told so. */
  heardAt?: number
  /** Its object is gone; what runs may not know. */
  gone = false
  /** Its kubelet says nothing at the moment. */
  silent = false
  counted = false
  /** It was ended because its Job was suspended. */
  suspended = false
  checkpoints = 0
  manifest?: ManifestHead
  readonly #job: string
  #node = false
  /** When the scan under way began, or the last one. */
  #scannedAt: number | undefined
  #scanning = false
  #committed = false
  #told: Pod['status']

  constructor(uid: string, job: string, now: number) {
    this.uid = uid
    this.#job = job
    this.createdAt = now
  }

  /** Nothing of it runs any more. */
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
    return this.deletion !== undefined || this.evicted
  }

  /** What the kubelet, or the uploader, does next by itself; false where it waits for something. */
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

  /** Gives the moment of the end: SIGTERM to the uploader alone is not sent in that very second. */
  endWorker(now: number, code: number, reason = code === 0 ? 'Completed' : 'Error'): number {
    const early =
      this.#scannedAt !== undefined && Math.floor(this.#scannedAt / 1000) === Math.floor(now / 1000)
    const end = early ? now + 1000 : now
    Object.assign(this.worker, { endedAt: end, code, reason })
    return end
  }

  /** SIGTERM to the uploader: it takes that for the end. */
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

  askToEnd(now: number, heard: boolean): void {
    this.askedToEndAt ??= now
    if (heard && this.#uploads) this.heardAt ??= now
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
      ...(this.heardAt === undefined ? {} : { stop_seen_at: new Date(this.heardAt).toISOString() }),
      count: 1,
      bytes: 1,
      errors: 0,
      ...(checkpoint === undefined ? {} : { checkpoint }),
    }
  }

  object(resourceVersion: string): Pod {
    if (!this.silent) this.#told = this.#status()
    const { deletion } = this
    return pod({
      metadata: {
        name: this.uid,
        uid: this.uid,
        resourceVersion,
        creationTimestamp: at(seconds(this.createdAt)),
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: jobName(uuid), uid: this.#job }],
        ...(deletion && {
          deletionTimestamp: at(seconds(deletion.at) + deletion.grace),
          deletionGracePeriodSeconds: deletion.grace,
        }),
      },
      ...(this.#node ? { nodeName: 'node' } : {}),
      status: { ...this.#told, conditions: this.#conditions() ?? [] },
    })
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
      ...(this.evicted ? { reason: 'Evicted', message: 'The node was low on resource: memory.' } : {}),
      initContainerStatuses: this.#node
        ? [
            {
              ...status('uploader', uploader.restarts),
              ...stateOf(uploader),
              started: uploader.ready === true,
            },
          ]
        : [],
      containerStatuses: this.#node ? [{ ...status('worker', 0), ...stateOf(worker) }] : [],
    }
  }

  #conditions(): NonNullable<Pod['status']>['conditions'] {
    if (this.disruption === undefined) return []
    const { at: since, reason } = this.disruption
    return [{ type: 'DisruptionTarget', status: 'True', reason, lastTransitionTime: at(seconds(since)) }]
  }
}

/** Whole seconds, as Kubernetes gives times. */
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
  return terminated(
    one.code ?? 0,
    from,
    seconds(one.endedAt),
    one.reason === undefined ? {} : { reason: one.reason },
  )
}
