import { defined } from '../../util/objects.ts'
import type { JobRequest } from '../request/request.ts'
import type { GivenStep, inheritedFields } from './step-schema.ts'

/** A step as it runs: with the fields beside `steps` where it has none of its own. */
export interface EffectiveStep extends Omit<GivenStep, 'env' | 'ignore_error'> {
  /** Its own variables alone: they win over all others of the job. */
  env: Record<string, string>
  /** A failure of the step does not end the job. */
  ignore_error: boolean
}

/** What a request says of programs, as far as steps take it over. */
export type Programs = Pick<Partial<JobRequest>, 'steps' | (typeof inheritedFields)[number]>

/**
 * The steps of a job in their order; empty for a job without `steps`. Arguments belong to their
 * command, as in Kubernetes, and requests to their limits: a step with a command or a limit of its
 * own does not take those beside `steps`.
 */
export function stepsOf(request: Programs): EffectiveStep[] {
  return (request.steps ?? []).map((given) => ({
    ...inheritedBy(given, request),
    ...given,
    env: given.env ?? {},
    ignore_error: given.ignore_error ?? false,
  }))
}

function inheritedBy(step: GivenStep, request: Programs): Partial<GivenStep> {
  const { image, command, args, cpu, memory, gpu, extended_resources, ephemeral_storage } = request
  return defined({
    ...{ image, command, cpu, memory, gpu, extended_resources, ephemeral_storage },
    args: step.command === undefined ? args : undefined,
    cpu_request: step.cpu === undefined ? request.cpu_request : undefined,
    memory_request: step.memory === undefined ? request.memory_request : undefined,
  })
}

/** The step's files for its streams, and whether its failure counts, are a shell's work. */
export function needsShell({ stdin, stdout, stderr, ignore_error }: Partial<EffectiveStep>): boolean {
  return stdin !== undefined || stdout !== undefined || stderr !== undefined || ignore_error === true
}
