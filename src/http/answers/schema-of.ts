import type * as z from 'zod'

/**
 * Returns the schema of a lower layer's type unchanged. The compiler refuses a schema with a
 * missing or additional field, or with a field of another type.
 */
export function schemaOf<T>() {
  return <Schema extends z.ZodType>(schema: Schema & Matching<z.output<Schema>, T>): Schema => schema
}

type Matching<A, B> = [A, B, keyof A, keyof B] extends [B, A, keyof B, keyof A] ? unknown : never
