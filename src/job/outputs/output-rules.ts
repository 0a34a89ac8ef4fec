import type { DeliveryTarget } from '../deliveries/delivery-target.ts'

/** What of the result directory belongs to the result, and when it is kept. */
export interface OutputRules {
  /** Patterns as in .gitignore, without negation. Absent: everything. */
  include?: readonly string[]
  /** Wins over `include`. */
  exclude?: readonly string[]
  /** Each has to match a stored entry, else the job fails with OutputMissing. */
  required?: readonly string[]
  /** Absent: `always`. */
  when?: OutputCondition
  /** Where the committed result goes besides this store. */
  deliver?: readonly DeliveryTarget[]
}

export const outputConditions = ['always', 'success', 'failure'] as const
export type OutputCondition = (typeof outputConditions)[number]

/** The rules that concern the uploader; the API alone reads the others. */
export type UploaderRules = Omit<OutputRules, 'when' | 'deliver'>

/** The uploader's variable for the rules, if there are any; readOutputRules() reads it. */
export function outputVariables(rules: OutputRules | undefined): Record<string, string> {
  const { when: _, deliver: __, ...others } = rules ?? {}
  if (Object.keys(others).length === 0) return {}
  // Kubernetes would replace `$(NAME)`.
  return { RESULT_OUTPUTS: JSON.stringify(others).replaceAll('$', '\\u0024') }
}

/** The rules in the variable's text. Throws SyntaxError. */
export function readOutputRules(text: string | undefined): UploaderRules {
  return text ? (JSON.parse(text) as UploaderRules) : {}
}
