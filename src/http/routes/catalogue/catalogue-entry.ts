import { wholeText } from '../../../job/catalogue/match-pattern.ts'
import type { ParameterDeclaration } from '../../../job/catalogue/parameter-schema.ts'
import type { ConfiguredJob } from '../../../job/request/request-schema.ts'
import { defined } from '../../../util/objects.ts'
import type { CatalogueAnswer, CatalogueJobAnswer, ParameterAnswer } from '../../answers/catalogue-answers.ts'

type CatalogueEntry = CatalogueAnswer['jobs'][number]

/** What callers see of a configured job in the list. */
export function catalogueEntry(job: ConfiguredJob, publicUrl = ''): CatalogueEntry {
  const { job: name, title = null, description = null, parameters = {}, locked = [] } = job
  const self = `${publicUrl}/catalog/${name}`
  return {
    ...{ name, title, description },
    parameters: mapValues(parameters, shownParameter),
    locked,
    links: {
      self,
      deploy: `${publicUrl}/job/deploy?job=${name}`,
      latest_result: `${self}/latest/result`,
    },
  }
}

/** All that callers see of a configured job: names of its variables, never their values. */
export function catalogueJob(job: ConfiguredJob, publicUrl?: string): CatalogueJobAnswer {
  const { parameters = {}, env = {}, image = null, steps = [], outputs = null } = job
  const required = Object.keys(parameters).filter((name) => parameters[name]?.required)
  return {
    ...catalogueEntry(job, publicUrl),
    schema: {
      type: 'object',
      properties: mapValues(parameters, schemaOfParameter),
      ...(required.length > 0 && { required }),
      additionalProperties: false,
    },
    variables: Object.keys(env).sort(),
    image,
    steps: steps.map(({ name }) => name),
    outputs,
  }
}

function shownParameter(parameter: ParameterDeclaration): ParameterAnswer {
  const { required = false } = parameter
  return { ...schemaOfParameter(parameter), required }
}

function schemaOfParameter(parameter: ParameterDeclaration): Omit<ParameterAnswer, 'required'> {
  const { env: _, required: __, pattern, ...rest } = parameter
  return { ...rest, ...defined({ pattern: pattern === undefined ? undefined : anchored(pattern) }) }
}

/** JSON Schema searches a pattern anywhere, and here the whole text has to match. */
function anchored(pattern: string): string {
  return /^\^[^|]*\$$/.test(pattern) ? pattern : wholeText(pattern)
}

function mapValues<In, Out>(
  values: Readonly<Record<string, In>>,
  map: (value: In) => Out,
): Record<string, Out> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]))
}
