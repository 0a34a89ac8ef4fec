import * as z from 'zod'

/** A JSON Schema (2020-12). */
export type JsonSchema = Readonly<Record<string, unknown>>

type Converted = Parameters<NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override'] & object>[0]

/** Zod schemas by the names that they have in the document, each in one of both directions. */
export interface NamedSchemas {
  /** Of requests: what a caller sends, before defaults. */
  input: Readonly<Record<string, z.ZodType>>
  output: Readonly<Record<string, z.ZodType>>
}

export function reference(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` }
}

/** All named schemas; one that stands in another one is a reference there. */
export function convertNamed({ input, output }: NamedSchemas): Record<string, JsonSchema> {
  return { ...convert(input, 'input'), ...convert(output, 'output') }
}

function convert(named: Readonly<Record<string, z.ZodType>>, io: 'input' | 'output') {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id })
  const { schemas } = z.toJSONSchema(registry, {
    io,
    unrepresentable: 'any',
    uri: (id) => `#/components/schemas/${id}`,
    override: (converted) => (io === 'input' ? simplify(converted, true) : simplify(converted, false)),
  })
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _, $id: __, ...schema }]) => [id, schema as JsonSchema]),
  )
}

function simplify({ zodSchema, jsonSchema }: Converted, isInput: boolean): void {
  // A format says the same, and zod's patterns for it are hundreds of characters long.
  if (jsonSchema.format === 'date-time' || jsonSchema.format === 'uuid') delete jsonSchema.pattern
  // Zod gives every integer these limits.
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
  // A record has string keys anyway.
  if (isOnlyText(jsonSchema.propertyNames)) delete jsonSchema.propertyNames
  if (isInput) describe(zodSchema, jsonSchema)
  // Later versions may answer further fields: clients that are made of the document must take them.
  else if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
}

/** The schema's own message as the description: an error names the same values. */
function describe(zodSchema: Converted['zodSchema'], jsonSchema: Converted['jsonSchema']): void {
  if (jsonSchema.description !== undefined || jsonSchema.$ref !== undefined) return
  const { error } = z.safeParse(zodSchema, Symbol('no value'))
  const message = error?.issues[0]?.message
  if (message !== undefined && !message.startsWith('Invalid')) jsonSchema.description = sentence(message)
}

/** With a capital, to begin a sentence. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function isOnlyText(schema: unknown): boolean {
  return JSON.stringify(schema) === '{"type":"string"}'
}
