import type { Field, QueryForm } from '../../../job/request/field.ts'
import { requestFields } from '../../../job/request/fields.ts'
import type { JsonSchema } from '../json-schema.ts'
import { type Parameter, query } from '../parameters.ts'
import { componentSchemas } from '../schemas.ts'

/** The fields of a request that fit into a query. */
export function fieldParameters(): Parameter[] {
  const properties = componentSchemas().JobRequest?.properties as Record<string, JsonSchema>
  return Object.entries<Field>(requestFields)
    .filter(([, field]) => field.query !== 'none')
    .map(([name, field]) => {
      const { description, ...schema } = properties[name] ?? {}
      return query(name, String(description), {
        schema,
        example: schema.minimum ?? exampleOf(name, field.query),
      })
    })
}

function exampleOf(name: string, form: QueryForm): unknown {
  return { ...examplesByForm, ...examplesByName }[name in examplesByName ? name : form]
}

const examplesByForm: Readonly<Record<string, unknown>> = {
  text: 'default',
  number: 1,
  flag: true,
  list: ['a', 'b'],
}
const examplesByName: Readonly<Record<string, unknown>> = {
  image: 'registry.example/simulation:3',
  command: ['python3', 'run.py'],
  args: ['--seed', '42'],
  config_map_ref: ['env-7c9e6679'],
  cpu: '500m',
  memory: '512Mi',
  result_directory: '/output',
  result_storage: '10Gi',
  result_storage_class: 'fast',
  result_layout: 'auto',
  image_pull_policy: 'IfNotPresent',
  start_timeout_seconds: 3600,
  callback: 'https://receiver.example/jobs',
  callback_events: ['job.succeeded', 'job.failed'],
}
