import { join, resolve } from 'node:path'
import type { Settings } from './config-schema.ts'

export interface KubernetesConfig {
  kind: 'kubernetes'
  /** Absent: the one of the pod that this runs in. */
  kubeconfig?: string
  uploaderImage: string
  uploaderPort: number
  podSecurity: 'baseline' | 'restricted'
  lostNodeSeconds: number
  /** Of the pod that this runs in: it outlives its container. */
  podUid?: string
  /** The store as pods reach it. */
  endpointForPods: string
  uploaderCredentials: { accessKey: string; secretKey: string }
  /** Pods get the API's own key, since none limited to `jobs/*` was given. */
  sharesCredentials: boolean
}

export interface LocalConfig {
  kind: 'local'
  allowCommands: boolean
}

export interface S3Config {
  kind: 's3'
  endpoint: string
  /** The store as clients reach it; without it nobody is sent there. */
  publicEndpoint?: string
  bucket: string
  region: string
  prefix: string
  accessKey: string
  secretKey: string
}

export interface FolderConfig {
  kind: 'folder'
  directory: string
}

/** What is missing for it; onStore() likewise. */
export function onKubernetes(env: Settings): string[] {
  const problems = []
  if (!env.S3_ENDPOINT)
    problems.push('S3_ENDPOINT: missing; on Kubernetes results need a store that pods reach')
  if (!env.UPLOADER_IMAGE)
    problems.push("UPLOADER_IMAGE: missing; expected the project's own image, for the uploader")
  if (Boolean(env.S3_UPLOADER_ACCESS_KEY) !== Boolean(env.S3_UPLOADER_SECRET_KEY)) {
    problems.push('S3_UPLOADER_ACCESS_KEY: expected together with S3_UPLOADER_SECRET_KEY')
  }
  return problems
}

export function onStore(env: Settings): string[] {
  if (!env.S3_ENDPOINT) return []
  return (['S3_ACCESS_KEY', 'S3_SECRET_KEY'] as const)
    .filter((name) => !env[name])
    .map((name) => `${name}: missing; expected with S3_ENDPOINT`)
}

export function kubernetesOf(env: Settings): KubernetesConfig {
  return {
    kind: 'kubernetes',
    ...(env.KUBECONFIG && { kubeconfig: env.KUBECONFIG }),
    uploaderImage: env.UPLOADER_IMAGE ?? '',
    uploaderPort: env.UPLOADER_PORT,
    podSecurity: env.POD_SECURITY,
    lostNodeSeconds: env.LOST_NODE_SECONDS,
    ...(env.POD_UID && { podUid: env.POD_UID }),
    endpointForPods: env.S3_ENDPOINT_FOR_PODS ?? env.S3_ENDPOINT ?? '',
    uploaderCredentials: {
      accessKey: env.S3_UPLOADER_ACCESS_KEY ?? env.S3_ACCESS_KEY ?? '',
      secretKey: env.S3_UPLOADER_SECRET_KEY ?? env.S3_SECRET_KEY ?? '',
    },
    sharesCredentials: env.S3_UPLOADER_ACCESS_KEY === undefined,
  }
}

/** In a pod S3_ENDPOINT is, as a rule, a name that the cluster alone knows: clients are sent to a named one only. */
export function storeOf(env: Settings, inPod: boolean): S3Config | FolderConfig {
  const publicEndpoint = env.S3_PUBLIC_ENDPOINT ?? (inPod ? undefined : env.S3_ENDPOINT)
  if (!env.S3_ENDPOINT) return { kind: 'folder', directory: join(resolve(env.DATA_DIRECTORY), 'store') }
  return {
    kind: 's3',
    endpoint: env.S3_ENDPOINT,
    ...(publicEndpoint !== undefined && { publicEndpoint }),
    bucket: env.S3_BUCKET,
    region: env.S3_REGION,
    prefix: env.S3_PREFIX,
    accessKey: env.S3_ACCESS_KEY ?? '',
    secretKey: env.S3_SECRET_KEY ?? '',
  }
}
