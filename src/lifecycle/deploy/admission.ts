import type { JobBackend } from '../../job/backend.ts'
import { resourceConflicts } from '../../job/pod/resource-conflicts.ts'
import { mayBeRoot } from '../../job/policy/choices.ts'
import { withPolicyDefaults } from '../../job/policy/defaults.ts'
import { judge } from '../../job/policy/judge.ts'
import type { JudgedRequest, PodSelectors, PolicyContext } from '../../job/policy/judged-request.ts'
import { type Policy, parsePolicy } from '../../job/policy/policy.ts'
import type { JobRequest } from '../../job/request/request.ts'
import { mergeRequest, type ProgramField, type RequestParts } from '../../job/request/request-merge.ts'
import { forbiddenFields, invalidFields } from '../../util/errors.ts'

/** Makes complete requests for all that deploys jobs: HTTP, forms and data spaces. */
export interface Admission {
  /** Undefined: callers may ask for everything. */
  readonly policy: Policy | undefined
  /** Whether workers may run as user 0. */
  readonly mayBeRoot: boolean
  /**
   * The request as mergeRequest() makes it, with the policy's defaults. Rejects as that does, and
   * with a Problem `forbidden` that names each field that the operator's policy refuses to the
   * caller.
   */
  admit(parts: RequestParts, program?: ProgramField): Promise<AdmittedRequest>
}

export interface AdmittedRequest {
  request: JobRequest
  /**
   * Without the policy's defaults: a repeated request is recognised by it after the operator has
   * changed them.
   */
  asked: JobRequest
}

export interface AdmissionParts {
  policy: Policy | undefined
  podSecurity: PolicyContext['podSecurity']
  backend: Pick<JobBackend, 'environments' | 'podSelectors' | 'reserved'>
}

const noSelectors: PodSelectors = { complete: true, list: [], knownNames: [] }

export function createAdmission({ policy, podSecurity, backend }: AdmissionParts): Admission {
  // Also without a policy no caller may read the Secrets of a cluster's namespace.
  const judging = policy ?? (podSecurity === undefined ? undefined : parsePolicy({}))

  async function contextFor(given: JudgedRequest['given']): Promise<PolicyContext> {
    const isNeeded = given.labels !== undefined && judging?.labels !== 'all'
    const selectors = (isNeeded && (await backend.podSelectors?.())) || noSelectors
    return { podSecurity, selectors, reserved: (await backend.reserved?.(given.env_from ?? [])) ?? [] }
  }

  return {
    policy,
    mayBeRoot: policy === undefined ? podSecurity !== 'restricted' : mayBeRoot(policy, podSecurity),
    async admit(parts, program) {
      const asked = mergeRequest(parts, program)
      const given = { ...parts.configData, ...parts.request }
      await refuseForeignEnvironments(given.config_map_ref ?? [], parts, backend)
      if (judging === undefined) return { request: asked, asked }
      const judged = { given, configured: parts.configured }
      const context = await contextFor(given)
      const errors = judge(judged, judging, context)
      if (errors.length > 0) throw forbiddenFields(errors)
      const request = withPolicyDefaults(asked, judged, judging, context)
      const conflicts = [...resourceConflicts(request)]
      if (conflicts.length > 0) throw invalidFields(conflicts)
      return { request, asked }
    },
  }
}

/** A ConfigMap of the namespace that another program made is none of the caller's environments. */
async function refuseForeignEnvironments(
  ids: readonly string[],
  { configured }: RequestParts,
  { environments }: Pick<JobBackend, 'environments'>,
): Promise<void> {
  const own = configured?.config_map_ref ?? []
  const asked = ids.filter((id) => !own.includes(id))
  const foreign = asked.length === 0 ? [] : await environments.foreign(asked)
  if (foreign.length === 0) return
  const expected = 'an id that POST /resource/env gave'
  throw invalidFields(
    foreign.map((id) => ({
      field: `config_map_ref[${ids.indexOf(id)}]`,
      problem: `${id} was not made by POST /resource/env`,
      expected,
    })),
  )
}
