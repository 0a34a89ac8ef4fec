import { expectedName } from '../../util/checks/nearest.ts'
import type { FieldError } from '../../util/errors.ts'
import { codeArguments, misplacedParameters, parametersIn } from './argument-placeholders.ts'
import type { ParameterDeclarations } from './parameter-schema.ts'

/** What of a configured job is judged. */
export interface CatalogueJob {
  command?: string[]
  args?: string[]
  steps?: { command?: string[]; args?: string[] }[]
  parameters?: ParameterDeclarations
  locked?: string[]
}

/** What does not fit together in a configured job; `lockable` are the names that `locked` may have. */
export function* catalogueFaults(job: CatalogueJob, lockable: readonly string[]): Generator<FieldError> {
  for (const [index, name] of (job.locked ?? []).entries()) {
    if (lockable.includes(name)) continue
    const problem = name === 'parameters' ? 'are what callers give' : 'is no field that can be locked'
    yield { field: `locked[${index}]`, problem, expected: expectedName(name, lockable) }
  }
  const declared = job.parameters ?? {}
  yield* placeFaults(programsOf(job), Object.keys(declared))
  yield* useFaults(job, declared)
}

interface Program {
  at: string
  command: readonly string[]
  args: readonly string[]
}

function programsOf({ command = [], args, steps = [] }: CatalogueJob): Program[] {
  const own = args === undefined ? [] : [{ at: 'args', command, args }]
  return [
    ...own,
    ...steps.flatMap((step, index) =>
      step.args === undefined
        ? []
        : [{ at: `steps[${index}].args`, command: step.command ?? command, args: step.args }],
    ),
  ]
}

function* placeFaults(programs: readonly Program[], names: readonly string[]): Generator<FieldError> {
  for (const { at, command, args } of programs) {
    for (const { index, name } of misplacedParameters(args, names)) {
      const problem = `has {${name}} within a longer text, in which a value could be code`
      const expected = `"{${name}}" or "--option={${name}}" as an argument of its own; a script reads the variable that \`env\` of the parameter names`
      yield { field: `${at}[${index}]`, problem, expected }
    }
    for (const code of codeArguments(command, args)) {
      const [name] = parametersIn(args.slice(code, code + 1), names)
      if (name === undefined) continue
      const problem = `would be run as code with the value of ${name}`
      yield { field: `${at}[${code}]`, problem, expected: 'a script of the job, with the value behind it' }
    }
  }
}

function* useFaults(job: CatalogueJob, declared: ParameterDeclarations): Generator<FieldError> {
  const used = parametersIn(
    programsOf(job).flatMap(({ args }) => args),
    Object.keys(declared),
  )
  for (const [name, { env, required = false, default: standard }] of Object.entries(declared)) {
    const field = `parameters.${name}`
    if (used.includes(name) && !required && standard === undefined) {
      const expected = 'a default, or `required: true`: an argument always has a value'
      yield { field, problem: 'has no value if the caller gives none', expected }
    }
    if (env === undefined && !used.includes(name)) {
      const expected = `\`env\` with the name of a variable, or {${name}} as one of the args`
      yield { field, problem: 'is used nowhere', expected }
    }
  }
}
