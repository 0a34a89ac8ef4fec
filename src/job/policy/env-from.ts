import type { FieldError } from '../../util/errors.ts'
import type { JudgedRequest, PolicyContext } from './judged-request.ts'
import { isOfJob } from './name-of-job.ts'
import type { Policy } from './policy.ts'
import { expectedOf, refused } from './refusal.ts'
import { matchesWildcard } from './wildcard.ts'

/**
 * The Secrets and ConfigMaps that a policy does not let a caller read as variables: all but those
 * that it lists, and whatever it lists, those of Jobferry and of jobs.
 */
export function* envFromErrors(
  { given, configured }: JudgedRequest,
  policy: Policy,
  { reserved = [] }: Pick<PolicyContext, 'reserved'>,
): Generator<FieldError> {
  const own = new Set((configured?.env_from ?? []).map((one) => JSON.stringify(one)))
  for (const [index, source] of (given.env_from ?? []).entries()) {
    if (own.has(JSON.stringify(source))) continue
    const { secret, config_map: configMap } = source
    const [field, name = '', choice] =
      secret === undefined
        ? (['config_map', configMap, policy.env_config_maps] as const)
        : (['secret', secret, policy.env_secrets] as const)
    const at = `env_from[${index}].${field}`
    if (!choice.some((pattern) => matchesWildcard(name, pattern))) yield refused(at, expectedOf(choice))
    else if (isOfJob(name) || reserved.some((one) => JSON.stringify(one) === JSON.stringify(source)))
      yield refused(at, "another name than those of Jobferry's and its jobs' own objects")
  }
}
