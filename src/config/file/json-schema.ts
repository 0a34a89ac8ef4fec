import * as z from 'zod'
import { defaultedFields, limitedFields, policyKeys } from '../../job/policy/policy.ts'
import { type SettingName, settingNames } from '../environment.ts'
import { settingsSchema } from '../schema.ts'
import { groupMeta, settingMeta } from '../setting.ts'
import { settingKey } from './file-key.ts'

/** JSON Schema (2020-12) of the settings file, for editors. */
export function settingsFileSchema(): object {
  const groups = Map.groupBy(settingNames(), ({ group }) => group)
  const properties = Object.entries(settingsSchema.shape).map(([group, schema]) => [
    group,
    {
      type: ['object', 'null'],
      description: groupMeta.get(schema)?.title,
      additionalProperties: false,
      properties: {
        ...Object.fromEntries((groups.get(group) ?? []).flatMap(propertiesOf)),
        ...(group === 'policy' ? policyProperties() : {}),
      },
    },
  ])
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'jobferry.yaml',
    type: ['object', 'null'],
    additionalProperties: false,
    properties: Object.fromEntries(properties),
  }
}

/** The setting, and the file that may have its value. */
function propertiesOf({ field, schema, variable }: SettingName): [string, object][] {
  const description = `${variable}: ${settingMeta.get(schema)?.description}`
  return [
    [settingKey(field), { ...valueSchema(schema), description }],
    [`${settingKey(field)}_file`, { type: 'string', description: `A file with the value of ${variable}` }],
  ]
}

function valueSchema(schema: z.ZodType): object {
  const { form, secret } = settingMeta.get(schema) ?? {}
  if (form === 'commas' || form === 'lines')
    return { anyOf: [{ type: 'string' }, { type: 'array', items: { type: ['string', 'number'] } }] }
  if (form === 'json') return { type: ['string', 'object'] }
  if (secret) return { type: ['string', 'number'] }
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return described
}

function policyProperties(): Record<string, object> {
  const limitsOf = (fields: readonly string[]) =>
    Object.fromEntries(fields.map((field) => [field, { type: ['string', 'number'] }]))
  const choice = { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] }
  const others: Record<string, object> = {
    maximum: { type: 'object', additionalProperties: false, properties: limitsOf(limitedFields) },
    default: { type: 'object', additionalProperties: false, properties: limitsOf(defaultedFields) },
    live_jobs_per_token: { type: 'integer', minimum: 1 },
  }
  const description = 'See docs/policy.md'
  return Object.fromEntries(policyKeys.map((key) => [key, { ...(others[key] ?? choice), description }]))
}
