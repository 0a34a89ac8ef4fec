import type {
  CoreV1Event,
  V1ConfigMap,
  V1Container,
  V1ContainerStatus,
  V1Job,
  V1Lease,
  V1ObjectMeta,
  V1Pod,
  V1PodSpec,
  V1Secret,
  V1Volume,
} from '@kubernetes/client-node'

/** A Kubernetes object as it is on the wire: the client's types say Date where JSON has RFC 3339 text. */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { [Key in keyof T]: Wire<T[Key]> }
      : T

export type Job = Wire<V1Job>
export type Pod = Wire<V1Pod>
export type PodSpec = Wire<V1PodSpec>
export type Container = Wire<V1Container>
export type Volume = Wire<V1Volume>
export type ContainerStatus = Wire<V1ContainerStatus>
export type Event = Wire<CoreV1Event>
export type ConfigMap = Wire<V1ConfigMap>
export type Secret = Wire<V1Secret>
export type Lease = Wire<V1Lease>
export type ObjectMeta = Wire<V1ObjectMeta>

/** What any object has. */
export interface KubernetesObject {
  metadata?: ObjectMeta
}

/** Milliseconds since the epoch, or undefined where there is no time. */
export function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}

/** Whether `a` is an older state than `b` of one object. */
export function isOlder(a: KubernetesObject, b: KubernetesObject): boolean {
  if (a.metadata?.uid !== b.metadata?.uid) return false
  return isOlderVersion(a.metadata?.resourceVersion, b.metadata?.resourceVersion)
}

/**
 * Resource versions are decimal numbers that grow, for all objects together, wherever the API server keeps them in
 * etcd; where they are something else, none counts as older.
 */
export function isOlderVersion(a = '', b = ''): boolean {
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return false
  return BigInt(a) < BigInt(b)
}
