import { defined } from '../../util/objects.ts'
import type { JobRequest } from '../request/request.ts'
import type { GivenStep } from './step-schema.ts'

/** A step as it runs: with the fields beside `steps` where it has none of its own. */
export interface EffectiveStep extends Omit<GivenStep, 'env' | 'ignore_error'> {
  /** Its own variables alone: they win over all others of the job. */
  env: Record<string, string>
  /** A failure of the step does not end the job. */
  ignore_error: boolean
}

/** What a request says of programs, as far as steps take it over. */
export type Programs = Pick<
  Partial<JobRequest>,
  'steps' | 'image' | 'command' | 'args' | 'cpu' | 'memory' | 'gpu'
>

/**
 * The steps of a job in their order; empty for a job without `steps`. Arguments belong to their
 * command, as in Kubernetes: a step with a command of its own does not take those beside `steps`.
 */
export function stepsOf(request: Programs): EffectiveStep[] {
  const { image, command, args, cpu, memory, gpu } = request
  return (request.steps ?? []).map((given) => ({
    ...defined({ image, command, args: given.command === undefined ? args : undefined, cpu, memory, gpu }),
    ...given,
    env: given.env ?? {},
    ignore_error: given.ignore_error ?? false,
  }))
}

/** The step's files for its streams, and whether its failure counts, are a shell's work. */
export function needsShell({ stdin, stdout, stderr, ignore_error }: Partial<EffectiveStep>): boolean {
  return stdin !== undefined || stdout !== undefined || stderr !== undefined || ignore_error === true
}
