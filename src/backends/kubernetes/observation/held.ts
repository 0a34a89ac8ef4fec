import type { Cause } from '../../../job/job.ts'
import type { JobRequest } from '../../../job/request/request.ts'
import type { HeardWord } from '../../../job/word/heard-word.ts'
import type { Pod } from '../api/objects.ts'
import { currentStep, programName } from './pod-steps.ts'

/** That a pod's program has failed and is held, until when, and how a person looks into it. */
export function heldCause(
  pod: Pod,
  { word: { held } }: HeardWord,
  { hold_after_failure_seconds: seconds }: Pick<JobRequest, 'hold_after_failure_seconds'>,
): Cause | undefined {
  if (held === undefined || seconds === undefined) return undefined
  const step = currentStep(pod)
  if (step.status?.state?.running === undefined) return undefined
  const until = new Date(Date.parse(held.at) + seconds * 1000).toISOString()
  const { name, namespace } = pod.metadata ?? {}
  const exec = `kubectl -n ${namespace} exec -it ${name} -c ${step.container} --`
  const message = `${programName(step)} exited with code ${held.exit_code}; its container is held until ${until}. To look into it: \`${exec} sh\`. \`${exec} kill 1\` ends the job as it failed, and a cancel ends it as canceled`
  return { reason: 'HeldAfterFailure', message }
}
