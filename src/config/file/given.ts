import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { messageOf } from '../../util/errors.ts'
import { isObject } from '../../util/objects.ts'
import type { Given, SettingName } from '../environment.ts'
import { settingMeta } from '../setting.ts'

/** Where a value stands. */
export interface Place {
  /** Of the settings file. */
  folder: string
  /** Has the values of `$NAME`. */
  environment: NodeJS.ProcessEnv
}

const separators = { commas: ',', lines: '\n' }

/**
 * The text of a value of the settings file; with `isFile` the value is a path, and the text is that
 * file's. Undefined for an empty value, which counts as absent. Throws an Error with what is wrong
 * and what is expected.
 */
export function givenIn(
  value: unknown,
  { schema, variable }: SettingName,
  { folder, environment, isFile }: Place & { isFile: boolean },
): Given | undefined {
  const { form, secret } = settingMeta.get(schema) ?? {}
  if (value === null || value === '') return undefined
  if (isFile) return fromFile(value, folder)
  if (typeof value === 'string') {
    const [, name] = /^\$\{?([A-Za-z_]\w*)\}?$/.exec(value) ?? []
    if (name !== undefined) return secret ? fromVariable(name, environment) : refuseVariable(name, variable)
    return { text: form === 'path' ? resolve(folder, value) : value }
  }
  if (isScalar(value)) return { text: String(value) }
  if (form === 'json' && isObject(value)) return { text: JSON.stringify(value) }
  const isList = Array.isArray(value)
  const separator = form === 'commas' || form === 'lines' ? separators[form] : undefined
  if (!isList || separator === undefined) {
    throw new Error(`is a ${isList ? 'list' : 'mapping'}; expected ${separator ? 'a list' : 'one value'}`)
  }
  const wrong = value.findIndex((item) => !isScalar(item) || String(item).includes(separator))
  if (wrong >= 0) throw new Error(`its item ${wrong + 1} is no plain value; expected a list of texts`)
  const text = value.join(separator)
  return text === '' ? undefined : { text }
}

function isScalar(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value)
}

function fromFile(value: unknown, folder: string): Given | undefined {
  if (typeof value !== 'string') throw new Error('expected the path of a file')
  const file = resolve(folder, value)
  try {
    const text = readFileSync(file, 'utf8').trimEnd()
    return text === '' ? undefined : { text, file }
  } catch (cause) {
    throw new Error(`${messageOf(cause)}; expected a readable file`, { cause })
  }
}

function fromVariable(name: string, environment: NodeJS.ProcessEnv): Given {
  const text = environment[name]
  if (text) return { text }
  throw new Error(`the environment variable ${name} is not set; expected its value as the secret`)
}

function refuseVariable(name: string, variable: string): never {
  throw new Error(
    `names the variable ${name}, which secrets alone may do; expected a value here, or ${variable} in the environment`,
  )
}
