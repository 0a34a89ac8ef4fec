import { isFinal } from '../job.ts'
import type { OutputCondition, OutputRules } from '../outputs/output-rules.ts'
import type { Assessment } from './state.ts'

/** The assessment of a job whose request says with `outputs.when` which results are kept. */
export function withCondition(assessment: Assessment, rules: OutputRules | undefined): Assessment {
  const { state, result, cause, note } = assessment
  const when = rules?.when ?? 'always'
  if (!isFinal(state) || result.state === 'missing' || isMet(when, state)) return assessment
  const why = `The result is not kept: \`outputs.when\` is "${when}", and the job is ${state}`
  const dropped: Assessment = { ...assessment, result: { state: 'missing', count: 0, bytes: 0 } }
  if (cause !== undefined) return { ...dropped, cause: { ...cause, message: `${cause.message}. ${why}` } }
  return { ...dropped, note: note === undefined ? why : `${note}. ${why}` }
}

function isMet(when: OutputCondition, state: Assessment['state']): boolean {
  return when === 'always' || (when === 'success') === (state === 'succeeded')
}
