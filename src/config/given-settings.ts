import type { Policy } from '../job/policy/policy.ts'
import { type Given, readEnvironment, type SettingName, settingNames } from './environment.ts'
import { settingKey } from './file/file-key.ts'
import { readSettingsFile } from './file/settings-file.ts'
import { findUnknownSettings } from './unknown-settings.ts'

/** The settings that somebody gave, not checked yet. */
export interface GivenSettings {
  /** Environment variable → what was given by it or by the settings file. */
  given: ReadonlyMap<string, GivenSetting>
  /** Of the settings file; undefined without one. */
  path: string | undefined
  /** The policy whose keys stand in the settings file, unless POLICY_FILE is in the environment. */
  policy: Policy | undefined
  problems: readonly string[]
  warnings: readonly string[]
}

export interface GivenSetting extends Given, SettingName {
  from: 'environment' | 'settings file'
}

/** Gathers the settings of an environment, and those of the settings file that it doesn't have. */
export function givenSettings(environment: NodeJS.ProcessEnv): GivenSettings {
  const file = readSettingsFile(environment)
  const own = readEnvironment(environment)
  const unknown = findUnknownSettings(environment)
  const given = new Map<string, GivenSetting>()
  for (const name of settingNames()) {
    const { variable } = name
    const inEnvironment = own.given.get(variable)
    const inFile = file?.given.get(variable)
    if (inEnvironment) given.set(variable, { ...name, ...inEnvironment, from: 'environment' })
    else if (inFile) given.set(variable, { ...name, ...inFile, from: 'settings file' })
  }
  return {
    given,
    path: file?.path,
    policy: own.given.has('POLICY_FILE') ? undefined : file?.policy,
    problems: [...unknown.problems, ...(file?.problems ?? []), ...own.problems],
    warnings: unknown.warnings,
  }
}

/** How a person finds the setting: its environment variable, or the file with its key there. */
export function whereGiven({ variable, group, field }: SettingName, { given, path }: GivenSettings): string {
  if (given.get(variable)?.from !== 'settings file') return variable
  return `${path}: ${group}.${settingKey(field)}`
}
