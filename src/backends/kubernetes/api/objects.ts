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
  V1Service,
  V1Volume,
} from '@kubernetes/client-node'

/**
 * A Kubernetes object as it is on the wire: the client's types say Date where JSON has RFC 3339
 * text.
 */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { [Key in keyof T]: Wire<T[Key]> }
      : T

export type KubernetesJob = Wire<V1Job>
export type Pod = Wire<V1Pod>
export type PodSpec = Wire<V1PodSpec>
export type Container = Wire<V1Container>
export type Volume = Wire<V1Volume>
export type ContainerStatus = Wire<V1ContainerStatus>
export type Event = Wire<CoreV1Event>
export type ConfigMap = Wire<V1ConfigMap>
export type Secret = Wire<V1Secret>
export type Service = Wire<V1Service>
export type Lease = Wire<V1Lease>
export type ObjectMeta = Wire<V1ObjectMeta>

/** The part that all objects have. */
export interface KubernetesObject {
  metadata?: ObjectMeta
}

/** Milliseconds since the epoch; undefined for a text that is no time. */
export function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}

/** Whether `a` is an older state than `b` of one object. */
export function isOlderObject(a: KubernetesObject, b: KubernetesObject): boolean {
  if (a.metadata?.uid !== b.metadata?.uid) return false
  return isOlderVersion(a.metadata?.resourceVersion, b.metadata?.resourceVersion)
}

/**
 * With etcd, resource versions are decimal numbers that grow for all objects together. If a version
 * is no number, neither counts as older.
 */
export function isOlderVersion(a = '', b = ''): boolean {
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return false
  return BigInt(a) < BigInt(b)
}
