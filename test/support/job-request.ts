import type { JobRequest } from '../../src/job/request.ts'

/** A request with every default filled in, and the given fields. */
export function jobRequest(fields: Partial<JobRequest> = {}): JobRequest {
  return {
    job_env: {},
    env: {},
    config_map_ref: [],
    result_directory: '/output',
    volumes: [],
    node_selector: {},
    tolerations: [],
    labels: {},
    retries: 0,
    start_timeout_seconds: 3600,
    stop_grace_seconds: 30,
    upload_timeout_seconds: 3600,
    upload_while_running: true,
    keep_seconds: 3600,
    ...fields,
  }
}
