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

/** The text that somebody gave a setting. */
export interface Given {
  text: string
  /** The file that it was read from, where it has one of its own. */
  file?: string
}

/**
 * The settings as an environment gives them, by variable, not checked yet. Each may also stand in
 * the file that `<NAME>_FILE` names. An empty value counts as absent, as in Kubernetes manifests and
 * compose files.
 */
export function readEnvironment(environment: NodeJS.ProcessEnv): {
  given: Map<string, Given>
  problems: string[]
} {
  const given = new Map<string, Given>()
  const problems: string[] = []
  for (const { variable } of settingNames()) {
    const text = environment[variable]
    const file = environment[`${variable}_FILE`]
    try {
      if (text) given.set(variable, { text })
      else if (file) given.set(variable, { text: readFileSync(file, 'utf8').trimEnd(), file })
    } catch (error) {
      problems.push(`${variable}_FILE: ${messageOf(error)}; expected a readable file`)
    }
  }
  return { given, problems }
}

function variableName(prefix: string, field: string): string {
  const name = field.replace(/[A-Z]/g, '_$&').toUpperCase()
  return prefix === '' ? name : `${prefix}_${name}`
}
