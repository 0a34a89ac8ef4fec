import { expectedName } from '../../util/checks/nearest.ts'
import { fieldPath } from '../../util/checks/schema-errors.ts'
import type { FieldError } from '../../util/errors.ts'
import { withArguments } from './argument-placeholders.ts'
import type { ParameterDeclarations } from './parameter-schema.ts'
import { describeParameter, type ParameterValue, valueOfText, valueProblem } from './parameter-value.ts'

export type ParameterValues = Readonly<Record<string, ParameterValue>>

/**
 * The values that the parameters have: those given, else their defaults. A text is taken as the
 * value that it means, since queries and command lines have nothing else. `errors` names each wrong
 * one.
 */
export function parameterValues(
  declared: ParameterDeclarations,
  given: ParameterValues,
): { values: Record<string, ParameterValue>; errors: FieldError[] } {
  const values: Record<string, ParameterValue> = {}
  const known = Object.keys(declared)
  const errors = Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => unknownParameter(name, known))
  for (const [name, rules] of Object.entries(declared)) {
    const field = `parameters.${name}`
    const said = Object.hasOwn(given, name) ? given[name] : rules.default
    if (said === undefined) {
      if (rules.required) errors.push({ field, problem: 'is missing', expected: describeParameter(rules) })
      continue
    }
    const value = typeof said === 'string' ? valueOfText(rules.type, said) : said
    const problem = valueProblem(rules, value)
    if (problem === undefined) values[name] = value
    else errors.push({ field, problem, expected: describeParameter(rules) })
  }
  return { values, errors }
}

/** The environment variables that the parameters set. */
export function parameterVariables(
  declared: ParameterDeclarations,
  values: ParameterValues,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(declared).flatMap(([name, { env }]) =>
      env === undefined || !Object.hasOwn(values, name) ? [] : [[env, String(values[name])]],
    ),
  )
}

/** What of a configured job the values of parameters stand in. */
export interface ArgumentHolder {
  args?: string[]
  steps?: { args?: string[] }[]
}

/** The job with the values in its arguments. */
export function withValuesInArguments<Job extends ArgumentHolder>(job: Job, values: ParameterValues): Job {
  const { args, steps } = job
  return {
    ...job,
    ...(args && { args: withArguments(args, values) }),
    ...(steps && {
      steps: steps.map((step) => (step.args ? { ...step, args: withArguments(step.args, values) } : step)),
    }),
  }
}

function unknownParameter(name: string, known: readonly string[]): FieldError {
  const expected =
    known.length === 0 ? 'no parameters: the configured job has none' : expectedName(name, known)
  return { field: fieldPath('parameters', name), problem: 'is unknown', expected }
}
