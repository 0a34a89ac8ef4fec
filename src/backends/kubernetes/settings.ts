import type { Packing } from '../../result-format/result-layout.ts'
import type { ResultLimits } from '../../result-format/result-limits.ts'
import type { StoreForUploaders } from '../../store/store-factory.ts'
import type { OwnPod } from './own-pod/own-image.ts'

/** A cluster elsewhere. */
export interface ClusterAddress {
  /** `https://cluster.example.org:6443` */
  url: string
  token?: string | undefined
  /** A file with the token, which is read again every minute; it goes before `token`. */
  tokenFile?: string | undefined
  /** Certificates in PEM of the authority that signed the API server's certificate. */
  ca?: string | undefined
  /** False: the certificate is not checked. */
  verify: boolean
}

/** Settings of the Kubernetes backend. */
export interface KubernetesSettings {
  /**
   * A kubeconfig file; default: the pod's service account, else the file that kubectl would use.
   */
  kubeconfig?: string | undefined
  /** The cluster, instead of a kubeconfig. */
  cluster?: ClusterAddress | undefined
  /** The one namespace in which all objects are made. */
  namespace: string
  /**
   * The project's image: for the uploader, and for the worker if the request names none. Empty: the
   * image of `ownPod`, read at start.
   */
  uploaderImage: string
  /**
   * Opened by the uploader in the network namespace that it shares with the worker; 47100 by
   * default.
   */
  uploaderPort: number
  /** The Pod Security Standard that the namespace demands. */
  podSecurity: 'baseline' | 'restricted'
  /** The store of the results, as pods reach it. */
  store: StoreForUploaders
  /** For jobs whose results are packed; default: `defaultPacking`. */
  packing?: Packing
  /** Of every result; default: none. */
  limits?: ResultLimits
  /** For so long a deleted pod may be overdue before its node counts as lost. */
  lostNodeSeconds: number
  /** The pod in which the API runs. */
  ownPod?: OwnPod
  /** Holder identity in the Lease; default: the host's name and a random part. */
  identity?: string
}
