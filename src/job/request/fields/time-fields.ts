import { dependencies } from '../../dependencies/dependency-schema.ts'
import { optional, withDefault } from '../field.ts'
import * as s from '../field-schemas.ts'

const day = 86_400

/** When and how often it runs, its time limits, and how long it is kept. */
export const timeFields = {
  retries: withDefault(s.integer(0, 100), 0, {
    query: 'number',
    about: 'further attempts after the worker itself has failed',
  }),
  depends_on: optional(dependencies, {
    query: 'none',
    about:
      'jobs that must have ended before this one starts, each by its `job_uuid`; `on` is `success` (the default) or `end`: [chains.md](chains.md)',
    absent: 'none',
  }),
  start_timeout_seconds: withDefault(s.integer(1, 365 * day), 3600, {
    query: 'number',
    about:
      "longest time from the job's creation, or from the end of the jobs of `depends_on`, to the worker's start, waiting for room included; for a further attempt from the end of the attempt before",
  }),
  timeout_seconds: optional(s.integer(1, 365 * day), {
    query: 'number',
    about: "longest time from the worker's start, in each attempt; files written until then are kept",
    absent: 'no limit',
  }),
  heartbeat_seconds: optional(s.integer(5, 365 * day), {
    query: 'number',
    about:
      'longest time in which a running program writes none of the files in JOBFERRY_DIRECTORY; then the job fails with `HeartbeatMissed`: [progress.md](progress.md#heartbeat)',
    absent: 'no limit',
  }),
  hold_after_failure_seconds: optional(s.integer(1, 7 * day), {
    query: 'number',
    scope: 'cluster',
    about:
      'after a failure the container stays that long, so that a person can look into it: [jobs.md](jobs.md#looking-into-a-failed-worker). It needs `command` and /bin/sh in the image',
    absent: 'not at all',
  }),
  stop_grace_seconds: withDefault(s.integer(1, 3600), 30, {
    query: 'number',
    about: 'time for worker and uploader together to end, if the job is stopped early',
  }),
  upload_timeout_seconds: withDefault(s.integer(1, 30 * day), 3600, {
    query: 'number',
    about:
      'longest time for the upload after the worker has ended by itself, which `timeout_seconds` does not include; files stored until then are kept',
  }),
  upload_while_running: withDefault(s.flag, true, {
    query: 'flag',
    about: 'uploads closed files while the worker runs, so that few are left at its end',
  }),
  keep_seconds: withDefault(s.integer(0, 365 * day), 3600, {
    query: 'number',
    about: "time that the ended Job stays in the cluster, with child processes the job's folder",
  }),
  result_keep_seconds: optional(s.integer(1, 100 * 365 * day), {
    query: 'number',
    about:
      "time from the job's end to the removal of its results: [operating.md](operating.md#what-is-removed)",
    absent: 'for ever',
  }),
}
