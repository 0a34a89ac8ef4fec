import { stringify } from 'yaml'
import { loadConfig } from '../config.ts'
import { defaultOf } from '../default-of.ts'
import { settingNames } from '../environment.ts'
import { type GivenSetting, givenSettings } from '../given-settings.ts'
import { settingMeta } from '../setting.ts'
import { settingKey } from './file-key.ts'

/** A setting with a value that somebody gave. */
export interface ShownSetting {
  /** `s3.secret_key` */
  key: string
  variable: string
  /** Null for a secret. */
  value: string | null
  from: GivenSetting['from']
  /** The file that has this value alone. */
  file?: string
}

/** Throws a ConfigError for settings that would end a start; returns the warnings of that start. */
export function checkSettings(environment: NodeJS.ProcessEnv): {
  settingsFile: string | undefined
  warnings: readonly string[]
} {
  const { settingsFile, warnings } = loadConfig(environment)
  return { settingsFile, warnings }
}

/** The settings that somebody gave, in the order of the documents; secrets have no value. */
export function shownSettings(environment: NodeJS.ProcessEnv): ShownSetting[] {
  const { given } = givenSettings(environment)
  return Array.from(given.values(), ({ group, field, schema, variable, text, from, file: own }) => ({
    key: `${group}.${settingKey(field)}`,
    variable,
    value: settingMeta.get(schema)?.secret ? null : text,
    from,
    ...(own === undefined ? {} : { file: own }),
  }))
}

/** The settings as a settings file: what was given with its origin, the rest as comments. */
export function settingsText(environment: NodeJS.ProcessEnv): string {
  const shown = new Map(shownSettings(environment).map((setting) => [setting.variable, setting]))
  const groups = Map.groupBy(settingNames(), ({ group }) => group)
  const lines = Array.from(groups, ([group, names]) => {
    const rows = names.map(({ variable, field, schema }) => {
      const setting = shown.get(variable)
      if (setting === undefined) return `  # ${settingKey(field)}:${spaced(defaultOf(schema))}`
      const value = setting.value === null ? '"(hidden)"' : oneLine(setting.value)
      return `  ${settingKey(field)}: ${value}  # ${originOf(setting)}`
    })
    const isGiven = names.some(({ variable }) => shown.has(variable))
    return [isGiven ? `${group}:` : `# ${group}:`, ...rows].join('\n')
  })
  return lines.join('\n')
}

function originOf({ from, variable, file }: ShownSetting): string {
  const origin = from === 'environment' ? variable : from
  return file === undefined ? origin : `${origin}, ${file}`
}

function oneLine(text: string): string {
  if (/^\d+$/.test(text)) return text
  return text.includes('\n') ? JSON.stringify(text) : stringify(text, { lineWidth: 0 }).trimEnd()
}

function spaced(text: string): string {
  return text === '' ? '' : ` ${text}`
}
