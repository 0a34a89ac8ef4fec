import type * as z from 'zod'
import { settingMeta } from './setting.ts'

/** A setting's default for people; empty where it has none. Numbers have no unit. */
export function defaultOf(schema: z.ZodType): string {
  const described = settingMeta.get(schema)?.default
  if (described !== undefined) return described
  const value: unknown = schema.parse(undefined)
  if (typeof value === 'boolean') return value ? '1' : '0'
  return typeof value === 'number' || typeof value === 'string' ? String(value) : ''
}
