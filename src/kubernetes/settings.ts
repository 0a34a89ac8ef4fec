import type { Packing } from '../artifact/result-layout.ts'

/** What the API needs to run jobs on a cluster. */
export interface KubernetesSettings {
  /** A kubeconfig file; without it the pod's service account, else what kubectl would use. */
  kubeconfig?: string
  /** Everything is made in this one namespace. */
  namespace: string
  /** The project's image: the uploader's, and the worker's where the request names none. */
  uploaderImage: string
  /** Opened by the uploader in the network namespace that it shares with the worker; 47100 by default. */
  uploaderPort: number
  /** The Pod Security Standard that the namespace demands. */
  podSecurity: 'baseline' | 'restricted'
  /** The store as pods reach it. */
  store: { endpointForPods: string; bucket: string; region: string; prefix: string }
  /** Limited to what uploaders need; the only credentials that reach a pod. */
  uploaderCredentials: { accessKey: string; secretKey: string }
  /** Of jobs whose results are packed; `defaultPacking` where it is absent. */
  packing?: Packing
  /** So long may a pod be overdue whose end was asked for, before its node counts as lost. */
  lostNodeSeconds: number
  /** Who this process is among those that want the Lease; by default the host's name and something random. */
  identity?: string
}
