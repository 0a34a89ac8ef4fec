import type { EnvSource } from '../pod/env-from.ts'
import type { ConfiguredJob, PartialRequest } from '../request/request-schema.ts'

/** A request's parts: whatever the caller says, and the configured job that it starts from. */
export interface JudgedRequest {
  /** `request` laid over `config_data`. */
  given: PartialRequest
  configured?: ConfiguredJob | undefined
}

/** Facts about the place where jobs run. */
export interface PolicyContext {
  /** Undefined where jobs are child processes. */
  podSecurity: 'baseline' | 'restricted' | undefined
  selectors: PodSelectors
  /** Those of the caller's `env_from` that are Jobferry's own objects. */
  reserved?: readonly EnvSource[]
}

/** Labels by which other objects of the namespace find their pods. */
export interface PodSelectors {
  /** False without the right to list Services: labels are then judged by names. */
  complete: boolean
  /** Every pod that has all the labels of one belongs to it. */
  list: readonly { name: string; labels: Readonly<Record<string, string>> }[]
  /** Names of Services that are known without a list of them. */
  knownNames: readonly string[]
}
