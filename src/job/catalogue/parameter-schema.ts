import * as z from 'zod'
import * as s from '../request/field-schemas.ts'
import { isPattern, patternExpected } from './match-pattern.ts'
import { describeParameter, valueProblem } from './parameter-value.ts'

export const parameterTypes = ['string', 'number', 'integer', 'boolean'] as const

const mostParameters = 50
const mostChoices = 200
const names = 'type, title, description, enum, default, minimum, maximum, pattern, required, env'

const parameterName = s.text(
  'a name of at most 63 letters, digits, "_" and "-" that begins with a letter',
  (name) => /^[a-z][\w-]{0,62}$/i.test(name),
)

/** A value as JSON or YAML writes it; in a query it is text. */
export const parameterValue = z.union(
  [z.string(), z.number(), z.boolean()],
  'a string, a number, true or false',
)

/** One parameter of a configured job: JSON Schema's words, and where its value goes. */
const declaration = z
  .strictObject(
    {
      type: z.enum(parameterTypes, '"string", "number", "integer" or "boolean"'),
      title: s.lineOfWords.exactOptional(),
      description: s.someSentences.exactOptional(),
      enum: z
        .array(parameterValue, 'a list of values')
        .min(1, 'at least one value, or no enum')
        .max(mostChoices, `at most ${mostChoices} values`)
        .exactOptional(),
      default: parameterValue.exactOptional(),
      minimum: z.number('a number').exactOptional(),
      maximum: z.number('a number').exactOptional(),
      pattern: z.string(patternExpected).refine(isPattern, patternExpected).exactOptional(),
      required: s.flag.exactOptional(),
      env: s.environmentName.exactOptional(),
    },
    `an object of ${names}`,
  )
  .superRefine((parameter, context) => {
    for (const [path, message] of faults(parameter)) context.addIssue({ code: 'custom', path, message })
  })

/** The parameters that a configured job declares, by name. */
export const parameterDeclarations = z
  .record(parameterName, declaration, `an object of parameters: each is an object of ${names}`)
  .refine(
    (declared) => Object.keys(declared).length <= mostParameters,
    `at most ${mostParameters} parameters`,
  )
  .superRefine((declared, context) => {
    const takenBy = new Map<string, string>()
    for (const [name, { env }] of Object.entries(declared)) {
      const other = env === undefined ? undefined : takenBy.get(env)
      if (other !== undefined) {
        const message = `another variable than that of the parameter ${other}`
        context.addIssue({ code: 'custom', path: [name, 'env'], message })
      } else if (env !== undefined) takenBy.set(env, name)
    }
  })

export type ParameterDeclaration = z.output<typeof declaration>
export type ParameterDeclarations = z.output<typeof parameterDeclarations>

/** What does not fit together, each with what would be right. */
function* faults(parameter: ParameterDeclaration): Generator<[path: (string | number)[], expected: string]> {
  const { type, minimum, maximum, pattern, required } = parameter
  const isNumeric = type === 'number' || type === 'integer'
  for (const bound of ['minimum', 'maximum'] as const) {
    if (parameter[bound] !== undefined && !isNumeric) {
      yield [[bound], 'no such bound, or the type "number" or "integer"']
    }
  }
  if (minimum !== undefined && maximum !== undefined && minimum > maximum) {
    yield [['maximum'], 'at least the minimum']
  }
  if (pattern !== undefined && type !== 'string') yield [['pattern'], 'no pattern, or the type "string"']
  if (required && parameter.default !== undefined) {
    yield [['default'], 'no default where the caller has to give a value, or no `required`']
  }
  const { enum: choices = [], ...bounds } = parameter
  for (const [index, choice] of choices.entries()) {
    if (valueProblem(bounds, choice) !== undefined) yield [['enum', index], describeParameter(bounds)]
  }
  if (parameter.default !== undefined && valueProblem(parameter, parameter.default) !== undefined) {
    yield [['default'], describeParameter(parameter)]
  }
}
