import type { ResultLayout } from '../artifact/result-layout.ts'
import type { EventType } from './event-type.ts'

/**
 * A request that creates a job, checked, merged with its configured job and with every default filled in
 * (contract: "Requests that create a job"). The schemas that lead here stand in request-schema.ts.
 */
export interface JobRequest {
  job?: string
  /** Absent: the project's own image. */
  image?: string
  command?: string[]
  args?: string[]
  /** The configured job's environment: `config_map_ref` overrides it. */
  job_env: Record<string, string>
  /** The caller's environment (`env_file`, `env`): overrides everything. */
  env: Record<string, string>
  config_map_ref: string[]
  cpu?: string
  memory?: string
  gpu?: number
  result_directory: string
  result_storage?: string
  result_storage_class?: string
  /** Absent: `files`. */
  result_layout?: ResultLayout
  volumes: VolumeMount[]
  image_pull_secret?: string
  image_pull_policy?: 'Always' | 'IfNotPresent' | 'Never'
  node_selector: Record<string, string>
  tolerations: Toleration[]
  priority_class?: string
  labels: Record<string, string>
  service_account?: string
  run_as_user?: number
  retries: number
  start_timeout_seconds: number
  timeout_seconds?: number
  stop_grace_seconds: number
  upload_timeout_seconds: number
  /** Files that are settled go up while the worker runs. */
  upload_while_running: boolean
  keep_seconds: number
  result_keep_seconds?: number
  demo_file?: string
  /** Whom to call: http or https. */
  callback?: string
  /** When; default: finalEventTypes. */
  callback_events?: EventType[]
}

export interface VolumeMount {
  claim: string
  mount_path: string
  read_only: boolean
}

/** As in Kubernetes. */
export interface Toleration {
  key?: string
  operator?: 'Exists' | 'Equal'
  value?: string
  effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'
  tolerationSeconds?: number
}
