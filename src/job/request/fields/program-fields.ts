import * as z from 'zod'
import { parameterValue } from '../../catalogue/parameter-schema.ts'
import { defaultInputTimeoutSeconds } from '../../inputs/input-list.ts'
import { inputs } from '../../inputs/input-schema.ts'
import { envFrom } from '../../pod/env-from.ts'
import { steps } from '../../steps/step-schema.ts'
import { optional, withDefault } from '../field.ts'
import * as s from '../field-schemas.ts'
import { isDnsLabel } from '../syntax.ts'

/** What runs, with which values, files and resources. */
export const programFields = {
  job: optional(s.text('the name of a configured job', isDnsLabel), {
    query: 'text',
    about: 'the configured job to start from',
    absent: '`default` with GET',
  }),
  name: optional(s.displayName, {
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
  parameters: optional(
    z.record(
      z.string(),
      parameterValue,
      'an object of names with strings, numbers, true or false: those that the configured job declares',
    ),
    {
      query: 'none',
      about:
        'values for the parameters of the configured job: [configured-jobs.md](configured-jobs.md#parameters). In a query each is `parameters.NAME=VALUE`. They stand in the record of the job, so none may be secret',
      absent: 'their defaults',
    },
  ),
  env_from: optional(envFrom, {
    query: 'none',
    scope: 'cluster',
    about:
      'Secrets and ConfigMaps of the namespace whose keys become variables, each as `{"secret": NAME}` or `{"config_map": NAME}`: those that the operator lists ([policy.md](policy.md)). They replace the variables of `config_map_ref` and of the configured job',
    absent: 'none',
  }),
  inputs: optional(inputs, {
    query: 'none',
    about: 'files that are put into `/input` before the worker starts: [inputs.md](inputs.md)',
    absent: 'none',
  }),
  input_timeout_seconds: optional(s.integer(1, 7 * 86_400), {
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
}
