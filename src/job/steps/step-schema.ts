import * as z from 'zod'
import { extendedResources } from '../pod/extended-resources.ts'
import * as s from '../request/field-schemas.ts'
import { isDnsLabel } from '../request/syntax.ts'

/** A pod's containers have names of at most 63 characters, and logs are named by them. */
const maxNameLength = 40
const maxSteps = 20

const year = 365 * 86_400
const oneOrMore = `a list of 1 to ${maxSteps} steps`
const names =
  'name, image, command, args, env, cpu, cpu_request, memory, memory_request, gpu, extended_resources, ephemeral_storage, working_directory, timeout_seconds, stdin, stdout, stderr and ignore_error'

/** A step's name, as in requests, answers and the query of its log. */
export const stepName = s.text(
  `a name of at most ${maxNameLength} lower-case letters, digits and "-"`,
  (name) => name.length <= maxNameLength && isDnsLabel(name),
)

/**
 * One program of a job. An absent field is that beside `steps`; `env` is merged with it by name.
 * `stdin`, `stdout` and `stderr` are paths relative to the result directory.
 */
const step = z.strictObject(
  {
    name: stepName,
    image: s.image.exactOptional(),
    command: s.command.exactOptional(),
    args: s.args.exactOptional(),
    env: s.environment.exactOptional(),
    cpu: s.quantity('"500m" or "2"').exactOptional(),
    cpu_request: s.quantity('"250m"').exactOptional(),
    memory: s.quantity('"512Mi"').exactOptional(),
    memory_request: s.quantity('"256Mi"').exactOptional(),
    gpu: s.gpu.exactOptional(),
    extended_resources: extendedResources.exactOptional(),
    ephemeral_storage: s.quantity('"10Gi"').exactOptional(),
    working_directory: s.mountPath.exactOptional(),
    timeout_seconds: s.integer(1, year).exactOptional(),
    stdin: s.resultPath.exactOptional(),
    stdout: s.resultPath.exactOptional(),
    stderr: s.resultPath.exactOptional(),
    ignore_error: s.flag.exactOptional(),
  },
  `an object of ${names}`,
)

export const steps = z
  .array(step, `${oneOrMore}: objects of ${names}`)
  .min(1, oneOrMore)
  .max(maxSteps, oneOrMore)
  .superRefine(s.withoutRepeats('name', (earlier) => `another name than that of steps[${earlier}]`))

/** A step as a request gives it. */
export type GivenStep = z.output<typeof step>

/** Fields of a step that are also fields of a request, which are their defaults. */
export const inheritedFields = [
  'image',
  'command',
  'args',
  'cpu',
  'cpu_request',
  'memory',
  'memory_request',
  'gpu',
  'extended_resources',
  'ephemeral_storage',
] as const
