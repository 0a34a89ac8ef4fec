import { readFileSync } from 'node:fs'
import type * as z from 'zod'
import { messageOf } from '../util/errors.ts'
import { settingsSchema } from './schema.ts'
import { groupMeta, settingMeta } from './setting.ts'

/** A setting and the environment variable that gives it. */
export interface SettingName {
  group: string
  field: string
  schema: z.ZodType
  /** `S3_ENDPOINT_FOR_PODS` of `s3.endpointForPods`. */
  variable: string
}

/** All settings, in the order of the schema. */
export function settingNames(): SettingName[] {
  return Object.entries(settingsSchema.shape).flatMap(([group, groupSchema]) => {
    const prefix = groupMeta.get(groupSchema)?.prefix ?? ''
    return Object.entries<z.ZodType>(groupSchema.shape).map(([field, schema]) => {
      const variable = settingMeta.get(schema)?.env ?? variableName(prefix, field)
      return { group, field, schema, variable }
    })
  })
}

/**
 * The groups of settings as an environment gives them, not checked yet. Each may also stand in the
 * file that `<NAME>_FILE` names. An empty value counts as absent, as in Kubernetes manifests and
 * compose files.
 */
export function readEnvironment(environment: NodeJS.ProcessEnv): {
  groups: Record<string, Record<string, string>>
  problems: string[]
} {
  const groups: Record<string, Record<string, string>> = {}
  const problems: string[] = []
  for (const { group, field, variable } of settingNames()) {
    groups[group] ??= {}
    try {
      const value = environment[variable] || fromFile(environment[`${variable}_FILE`])
      if (value) groups[group][field] = value
    } catch (error) {
      problems.push(`${variable}_FILE: ${messageOf(error)}; expected a readable file`)
    }
  }
  return { groups, problems }
}

function variableName(prefix: string, field: string): string {
  const name = field.replace(/[A-Z]/g, '_$&').toUpperCase()
  return prefix === '' ? name : `${prefix}_${name}`
}

function fromFile(file: string | undefined): string | undefined {
  return file ? readFileSync(file, 'utf8').trimEnd() : undefined
}
