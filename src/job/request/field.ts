import type * as z from 'zod'

/** How `GET /job/deploy` takes a field; `none`: only a POST does. Lists are separated by commas. */
export type QueryForm = 'text' | 'number' | 'flag' | 'list' | 'none'

/**
 * Where the field has an effect: child processes ignore `cluster` fields, so that one request and
 * one configured job serve both backends; `commands` needs LOCAL_ALLOW_COMMANDS there if a caller
 * gives it, since the command runs as Jobferry's own user.
 */
export type FieldScope = 'everywhere' | 'cluster' | 'commands'

/** What a field's line says beside its schema. */
export interface Facts {
  query: QueryForm
  /** Absent: `everywhere`. */
  scope?: FieldScope
  /** Markdown, for docs/fields.md. */
  about: string
  /** The meaning of an absent field, for docs/fields.md; with a default, JSON says it. */
  absent?: string
}

export interface Field<Schema extends z.ZodType = z.ZodType> extends Facts {
  schema: Schema
}

export interface DefaultedField<Schema extends z.ZodType = z.ZodType> extends Field<Schema> {
  default: z.output<Schema>
}

export function optional<Schema extends z.ZodType>(schema: Schema, facts: Facts): Field<Schema> {
  return { schema, ...facts }
}

export function withDefault<Schema extends z.ZodType>(
  schema: Schema,
  value: z.output<Schema>,
  facts: Omit<Facts, 'absent'>,
): DefaultedField<Schema> {
  return { schema, default: value, ...facts }
}
