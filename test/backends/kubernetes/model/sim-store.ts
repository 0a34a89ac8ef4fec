import type { Stored } from '../../../../src/job/state/observation.ts'
import type { ManifestHead } from '../../../../src/result-format/manifest/manifest.ts'
import type { SimPod } from './sim-pod.ts'

/** The store, with the manifest of each attempt. */
export class SimStore {
  readonly #pods: readonly SimPod[]
  readonly #manifests = new Map<string, ManifestHead>()

  constructor(pods: readonly SimPod[]) {
    this.#pods = pods
  }

  manifest(attempt: string): ManifestHead | undefined {
    return this.#manifests.get(attempt)
  }

  /** Takes the manifest that the pod has written. The first one of an attempt is never replaced. */
  take(pod: SimPod): void {
    if (pod.manifest && !this.#manifests.has(pod.uid)) this.#manifests.set(pod.uid, pod.manifest)
    delete pod.manifest
  }

  /** The store's answer by the rules of lifecycle/tracking/actions/stored-result.ts. */
  lookUp(attempt: string | undefined, ended: boolean): { attempt?: string; stored?: Stored } {
    if (!ended) {
      const head = attempt === undefined ? undefined : this.#manifests.get(attempt)
      return head ? { stored: head } : {}
    }
    if (attempt !== undefined) return { stored: this.#settle(attempt) ?? 'none' }
    const found = this.#pods.flatMap(({ uid }) => {
      const stored = this.#settle(uid)
      return stored ? [{ attempt: uid, stored }] : []
    })
    const newest = found.toSorted((a, b) => (a.stored.scan_started_at > b.stored.scan_started_at ? -1 : 1))[0]
    return newest ?? { stored: 'none' }
  }

  #settle(attempt: string): ManifestHead | undefined {
    const pod = this.#pods.find(({ uid }) => uid === attempt)
    const existing = this.#manifests.get(attempt)
    if (existing || !pod?.checkpoints) return existing
    const made = pod.head(pod.createdAt, pod.checkpoints)
    this.#manifests.set(attempt, made)
    return made
  }
}
