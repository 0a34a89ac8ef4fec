import { resolve } from 'node:path'
import * as z from 'zod'

/** Of one setting, beside its schema: for its environment variable and docs/settings.md. */
export interface SettingMeta {
  description: string
  /** The environment variable, where it is not the group's prefix and the field's name. */
  env?: string
  /** The default in words, where it depends on other settings. */
  default?: string
  /** What a list in the settings file becomes, or how a text there is read. */
  form?: 'commas' | 'lines' | 'json' | 'path'
  /** Never shown; in the settings file it may be `$NAME`, the value of that environment variable. */
  secret?: true
}

/** Of a group of settings. */
export interface GroupMeta {
  title: string
  /** Begins the environment variables of the group; empty: they are the fields' names alone. */
  prefix: string
  description?: string
}

export const settingMeta = z.registry<SettingMeta>()
export const groupMeta = z.registry<GroupMeta>()

export function flagSetting() {
  return z
    .union([z.boolean(), z.enum(['0', '1', 'true', 'false'])], { error: 'expected 1 or 0' })
    .default(false)
    .transform((value) => value === true || value === '1' || value === 'true')
}

export function wholeNumberSetting(least: number, most: number, otherwise: number) {
  return wholeNumber(least, most).default(otherwise)
}

/** Undefined if it is not set. */
export function optionalNumberSetting(least: number, most: number) {
  return wholeNumber(least, most).optional()
}

function wholeNumber(least: number, most: number) {
  const expected = `expected a whole number from ${least} to ${most}`
  return z.coerce
    .number({ error: expected })
    .int(expected)
    .min(least, `expected at least ${least}`)
    .max(most, `expected at most ${most}`)
}

export const httpUrlSetting = z.url({
  protocol: /^https?$/,
  error: 'expected an http:// or https:// address',
  abort: true,
})

/** For addresses to which paths are appended. */
export const baseUrl = httpUrlSetting.transform((url) => url.replace(/\/+$/, ''))

/** A file or folder; relative ones are relative to the current folder. */
export const path = z.string().transform((text) => resolve(text))

/** A folder with a default, which docs/settings.md shows as it is given here. */
export function folderSetting(otherwise: string, meta: Omit<SettingMeta, 'default'>) {
  return path.prefault(otherwise).register(settingMeta, { form: 'path', ...meta, default: otherwise })
}

/** Items between commas. */
export const listSetting = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
)

/** Lines without those that are empty. */
export function nonEmptyLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** Reports a wrong value to zod; `value` takes its place in the output. */
export function refuse<Value>(context: z.RefinementCtx, message: string, value: Value): Value {
  context.addIssue({ code: 'custom', message })
  return value
}
