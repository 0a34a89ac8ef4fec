import type { Config } from '../config/config.ts'
import type { JobBackend } from '../job/backend.ts'
import type { Policy } from '../job/policy/policy.ts'
import { type Admission, createAdmission } from '../lifecycle/deploy/admission.ts'
import { messageOf } from '../util/errors.ts'
import type { Log } from '../util/log.ts'
import { backendTraits } from './backend-traits.ts'

/**
 * The admission of the settings' policy, which `setPolicy` replaces. `prepare` is called once the
 * backend has answered.
 */
export function admissionOf(
  config: Config,
  backend: JobBackend,
  log: Log,
): { admission: Admission; prepare(): void; setPolicy(policy: Policy): void } {
  const { policy } = config
  const { needsPolicy, podSecurity } = backendTraits(config)
  if (policy === undefined && needsPolicy) {
    log.warn(
      'POLICY_FILE is not set: callers may ask for every image, service account, claim, toleration and label, and for any amount; manifests/base/policy.yaml is a careful policy',
    )
  }
  let current = createAdmission({ policy, podSecurity, backend })
  return {
    admission: {
      get policy() {
        return current.policy
      },
      get mayBeRoot() {
        return current.mayBeRoot
      },
      admit: (parts, program) => current.admit(parts, program),
    },
    setPolicy(next) {
      current = createAdmission({ policy: next, podSecurity, backend })
    },
    prepare() {
      if (policy === undefined || policy.labels === 'all') return
      // A missing right is named in the log at start, not at the first request with labels.
      backend.podSelectors?.().catch((error: unknown) => {
        log.warn({ error: messageOf(error) }, 'the Services of the namespace could not be listed yet')
      })
    },
  }
}
