import * as z from 'zod'
import { resultLayouts } from '../../result-format/result-layout.ts'
import { dependencies } from '../dependencies/dependency-schema.ts'
import { eventTypes } from '../event-type.ts'
import { defaultInputTimeoutSeconds } from '../inputs/input-list.ts'
import { inputs } from '../inputs/input-schema.ts'
import { outputs } from '../outputs/output-schema.ts'
import { steps } from '../steps/step-schema.ts'
import { type Field, type FieldScope, optional, withDefault } from './field.ts'
import * as s from './field-schemas.ts'
import { isDnsLabel, isDnsSubdomain } from './syntax.ts'

const day = 86_400
const oneOfEvents = `one of ${eventTypes.join(', ')}`

/**
 * Each field of a request that creates a job. JobRequest, GET's query and docs/fields.md are made
 * of it.
 */
export const requestFields = {
  job: optional(s.text('the name of a configured job', isDnsLabel), {
    query: 'text',
    about: 'the configured job to start from',
    absent: '`default` with GET',
  }),
  name: optional(s.jobName, {
    query: 'text',
    about: 'a name for people: it stands in the answers, and `GET /job?name=` finds it',
    absent: 'none',
  }),
  image: optional(s.image, {
    query: 'text',
    scope: 'cluster',
    about: "the worker's image",
    absent: "the configured job's, or Jobferry's own",
  }),
  command: optional(s.command, {
    query: 'list',
    scope: 'commands',
    about: 'replaces the entrypoint',
    absent: "the image's entrypoint",
  }),
  args: optional(s.args, {
    query: 'list',
    scope: 'commands',
    about: 'replaces the arguments',
    absent: "the image's arguments",
  }),
  env: withDefault(
    s.environment,
    {},
    {
      query: 'none',
      about:
        'environment variables; they replace variables of the same name from all other sources. A number or boolean is the text as it is written',
    },
  ),
  config_map_ref: withDefault(z.array(s.environmentId, 'a list of ids of /resource/env'), [], {
    query: 'list',
    about:
      "environments of `POST /resource/env`: they replace the configured job's variables of the same name",
  }),
  inputs: optional(inputs, {
    query: 'none',
    about: 'files that are put into `/input` before the worker starts: [inputs.md](inputs.md)',
    absent: 'none',
  }),
  input_timeout_seconds: optional(s.integer(1, 7 * day), {
    query: 'number',
    about: 'longest time for fetching all `inputs`; a source that fails is tried again until then',
    absent: String(defaultInputTimeoutSeconds),
  }),
  cpu: optional(s.quantity('"500m" or "2"'), {
    query: 'text',
    scope: 'cluster',
    about: "the worker's request and limit",
  }),
  memory: optional(s.quantity('"512Mi"'), {
    query: 'text',
    scope: 'cluster',
    about: "the worker's request and limit",
  }),
  gpu: optional(s.gpu, {
    query: 'number',
    scope: 'cluster',
    about: 'number of `nvidia.com/gpu`',
  }),
  steps: optional(steps, {
    query: 'none',
    scope: 'commands',
    about:
      'programs that run one after the other in the one pod, with the same files: [jobs.md](jobs.md#steps). The fields beside it are the defaults of each',
    absent: 'one step, of the fields beside it',
  }),
  // RESULT_DIRECTORY names a private folder for child processes: files written elsewhere would be
  // no result.
  result_directory: withDefault(s.mountPath, '/output', {
    query: 'text',
    scope: 'cluster',
    about: 'where the worker leaves its files; the variable RESULT_DIRECTORY names it to the worker',
  }),
  result_storage: optional(s.quantity('"10Gi"'), {
    query: 'text',
    scope: 'cluster',
    about: "size limit of the results' volume",
    absent: 'no limit',
  }),
  result_storage_class: optional(
    s.text(
      'the name of a StorageClass, or "" for the default one',
      (name) => name === '' || isDnsSubdomain(name),
    ),
    {
      query: 'text',
      scope: 'cluster',
      about:
        'keeps the results on a volume claim of the size `result_storage`: if the uploader is killed, a rescue stores them from there',
      absent: 'an emptyDir',
    },
  ),
  result_layout: withDefault(z.enum(resultLayouts, '"files", "packed" or "auto"'), 'auto', {
    query: 'text',
    about:
      '`files`: one object in the store per file; `packed`: small files share tars, so that thousands of them are stored fast; `auto`: `packed` for more than PACK_FROM_COUNT small files, else `files`. Readers see no difference',
  }),
  outputs: optional(outputs, {
    query: 'none',
    about:
      'the files of the result directory that are kept or required, by patterns as in .gitignore, and `when` they are kept: [outputs.md](outputs.md)',
    absent: 'everything, always',
  }),
  volumes: withDefault(z.array(s.volume, 'a list of objects of claim, mount_path and read_only'), [], {
    query: 'none',
    scope: 'cluster',
    about: 'volume claims of the namespace to mount; `read_only` is false by default',
  }),
  image_pull_secret: optional(s.subdomain('the name of a Secret'), {
    query: 'text',
    scope: 'cluster',
    about: "the registry's credentials, as in Kubernetes",
  }),
  image_pull_policy: optional(
    z.enum(['Always', 'IfNotPresent', 'Never'], '"Always", "IfNotPresent" or "Never"'),
    { query: 'text', scope: 'cluster', about: 'as in Kubernetes' },
  ),
  node_selector: withDefault(
    s.nodeLabels,
    {},
    { query: 'none', scope: 'cluster', about: 'as in Kubernetes' },
  ),
  tolerations: withDefault(z.array(s.toleration, 'a list of tolerations'), [], {
    query: 'none',
    scope: 'cluster',
    about: 'as in Kubernetes: key, operator, value, effect, tolerationSeconds',
  }),
  priority_class: optional(s.subdomain('the name of a PriorityClass'), {
    query: 'text',
    scope: 'cluster',
    about: 'as in Kubernetes',
  }),
  labels: withDefault(
    s.ownLabels,
    {},
    {
      query: 'none',
      about:
        'labels of the job: they stand in the answers, `GET /job?label=KEY=VALUE` finds them, and on a cluster the Job and its pods have them',
    },
  ),
  service_account: optional(s.subdomain('the name of a ServiceAccount'), {
    query: 'text',
    scope: 'cluster',
    about: "the pod's ServiceAccount, for admission and pull secrets; its token is not mounted",
  }),
  run_as_user: optional(s.integer(0, 2 ** 31 - 1), {
    query: 'number',
    scope: 'cluster',
    about: "the worker's user id",
    absent: "the image's user; 1000 with POD_SECURITY=restricted",
  }),
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
  callback: optional(s.httpUrl, {
    query: 'text',
    about: 'a URL to which signed messages about the job are sent: [callbacks.md](callbacks.md)',
  }),
  callback_events: optional(
    z
      .array(z.enum(eventTypes, oneOfEvents), `a list of events: ${eventTypes.join(', ')}`)
      .refine((events) => events.length > 0, `at least ${oneOfEvents}`),
    { query: 'list', about: 'the events that are sent to `callback`', absent: "the job's end" },
  ),
}

/** Fields of configured jobs alone. */
export const configuredFields = {
  demo_file: optional(s.resultPath, { query: 'none', about: 'the file that `GET /demo` answers with' }),
}

export type RequestFields = typeof requestFields
export type RequestField = keyof RequestFields

/** Names of the fields with a scope, in the table's order. */
export function fieldsOf(scope: FieldScope): RequestField[] {
  const fields: [string, Field][] = Object.entries(requestFields)
  return fields
    .filter(([, field]) => (field.scope ?? 'everywhere') === scope)
    .map(([name]) => name as RequestField)
}
