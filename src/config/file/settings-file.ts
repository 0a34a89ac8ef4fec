import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { type Policy, parsePolicy, policyKeys } from '../../job/policy/policy.ts'
import { expectedName } from '../../util/checks/nearest.ts'
import { messageOf } from '../../util/errors.ts'
import { isObject } from '../../util/objects.ts'
import { type Given, type SettingName, settingNames } from '../environment.ts'
import { settingKey } from './file-key.ts'
import { givenIn, type Place } from './given.ts'

/** The settings in `jobferry.yaml`, not checked yet. */
export interface SettingsFile {
  /** Absolute. */
  path: string
  /** The variable that would give the same setting → its text, and the file that it was read from. */
  given: ReadonlyMap<string, Given>
  /** Keys of the operator's policy that stand in `policy`; undefined if there is none. */
  policy: Policy | undefined
  /** Sentences, each with the key, what is wrong with it and what is expected. */
  problems: readonly string[]
}

const standardName = 'jobferry.yaml'

/**
 * Reads the file that SETTINGS_FILE names, else `jobferry.yaml` of the current folder; undefined if
 * there is none. Its keys are the settings' groups, and the settings' names in each; a setting may
 * also be in the file that `<name>_file` names. Relative paths begin at the file's folder.
 */
export function readSettingsFile(environment: NodeJS.ProcessEnv): SettingsFile | undefined {
  const named = environment.SETTINGS_FILE
  if (!named && !existsSync(standardName)) return undefined
  const path = resolve(named || standardName)
  const empty = { path, given: new Map(), policy: undefined }
  try {
    const value: unknown = parse(readFileSync(path, 'utf8')) ?? {}
    if (!isObject(value))
      return { ...empty, problems: [`${path}: is no mapping; expected groups like "http:"`] }
    const found = readGroups(value, { folder: dirname(path), environment })
    return { path, ...found, problems: found.problems.map((problem) => `${path}: ${problem}`) }
  } catch (error) {
    const readable = named ? '; expected a readable file of YAML' : ''
    return { ...empty, problems: [`SETTINGS_FILE ${path}: ${messageOf(error).trim()}${readable}`] }
  }
}

function readGroups(value: Record<string, unknown>, place: Place): Omit<SettingsFile, 'path'> {
  const groups = Map.groupBy(settingNames(), ({ group }) => group)
  const given = new Map<string, Given>()
  const problems: string[] = []
  let policy: Policy | undefined
  for (const [group, fields] of Object.entries(value)) {
    const names = groups.get(group)
    if (names === undefined) {
      problems.push(`${group}: is no group of settings; expected ${expectedName(group, [...groups.keys()])}`)
    } else if (fields !== null && !isObject(fields)) {
      problems.push(`${group}: is no mapping; expected names of settings with their values`)
    } else {
      const own = group === 'policy' ? splitPolicy(fields ?? {}) : { fields: fields ?? {}, policy: undefined }
      if (own.policy !== undefined) policy = read(() => parsePolicy(own.policy), problems)
      readFields(own.fields, group, names, place, given, problems)
    }
  }
  if (policy !== undefined && given.has('POLICY_FILE')) {
    problems.push('policy.file: is given beside keys of a policy; expected one of both')
  }
  return { given, policy, problems }
}

function readFields(
  fields: Record<string, unknown>,
  group: string,
  names: readonly SettingName[],
  place: Place,
  given: Map<string, Given>,
  problems: string[],
): void {
  const known = new Map(names.map((name) => [settingKey(name.field), name]))
  for (const [key, value] of Object.entries(fields)) {
    const own = known.get(key)
    const name = own ?? known.get(key.replace(/_file$/, ''))
    if (name === undefined) {
      const all = group === 'policy' ? [...known.keys(), ...policyKeys] : [...known.keys()]
      problems.push(`${group}.${key}: is no setting; expected ${expectedName(key, all)}`)
      continue
    }
    try {
      const found = givenIn(value, name, { ...place, isFile: own === undefined })
      if (found === undefined) continue
      if (given.has(name.variable)) problems.push(`${group}.${key}: is given twice, also as a file`)
      given.set(name.variable, found)
    } catch (error) {
      problems.push(`${group}.${key}: ${messageOf(error)}`)
    }
  }
}

/** The setting of the group `policy`, and beside it the keys of a policy. */
function splitPolicy(fields: Record<string, unknown>) {
  const entries = Object.entries(fields)
  const isPolicy = ([key]: [string, unknown]) => policyKeys.includes(key)
  const policy = entries.filter(isPolicy)
  return {
    fields: Object.fromEntries(entries.filter((entry) => !isPolicy(entry))),
    policy: policy.length === 0 ? undefined : Object.fromEntries(policy),
  }
}

function read<Value>(reading: () => Value, problems: string[]): Value | undefined {
  try {
    return reading()
  } catch (error) {
    problems.push(`policy: ${messageOf(error)}`)
    return undefined
  }
}
