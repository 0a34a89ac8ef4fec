import type * as z from 'zod'
import { type SettingName, settingNames } from '../src/config/environment.ts'
import { settingsSchema } from '../src/config/schema.ts'
import { groupMeta, settingMeta } from '../src/config/setting.ts'

/** docs/settings.md: a table for each group of the schema. */
export function settingsDocument(): string {
  const groups = Map.groupBy(settingNames(), ({ group }) => group)
  const sections = Object.entries(settingsSchema.shape).map(([group, schema]) =>
    section(schema, groups.get(group) ?? []),
  )
  return `${[introduction, ...sections].join('\n\n')}\n`
}

const introduction = `# Settings

Settings are environment variables. A setting may also be in a file: then \`<NAME>_FILE\` names the file, which is meant for
secrets. An empty value counts as absent. If a setting is wrong, the program does not start: it names each wrong setting and ends
with exit code 2.

The same holds for a misspelt name, one or two letters off, if it begins with the prefix of a group (\`S3_ENDPONT\`) or is long (as
long as UPLOADER_PORT), unless the right name is set too. A name that may belong to another program (\`S3_ENDPOINT_URL\`,
\`API_TOKEN\`) is a warning in the log. Both name the nearest setting.

This file is made by \`npm run docs\` from the schemas in src/config/groups.`

function section(schema: z.ZodType, names: readonly SettingName[]): string {
  const { title = '', description } = groupMeta.get(schema) ?? {}
  const table = ['| name | default | |', '| --- | --- | --- |', ...names.map(row)].join('\n')
  return [`## ${title}`, ...(description ? [description] : []), table].join('\n\n')
}

function row({ variable, field, schema }: SettingName): string {
  const meta = settingMeta.get(schema)
  const text = meta?.default ?? defaultText(schema, unitOf(field))
  return `| ${[variable, text, meta?.description ?? ''].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

/** The default as the schema has it; empty where it is no plain value. */
function defaultText(schema: z.ZodType, unit: string | undefined): string {
  const value: unknown = schema.parse(undefined)
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (typeof value === 'number')
    return unit === 'bytes' ? bytesText(value) : [value, unit].join(' ').trimEnd()
  return typeof value === 'string' ? value : ''
}

/** A field's name ends with the unit of its value. */
function unitOf(field: string): string | undefined {
  if (/seconds$/i.test(field)) return 's'
  return /bytes$/i.test(field) ? 'bytes' : undefined
}

function bytesText(bytes: number): string {
  const power = Math.floor(Math.log2(bytes) / 10)
  return `${bytes} (${bytes / 2 ** (10 * power)} ${['bytes', 'KiB', 'MiB', 'GiB', 'TiB'][power]})`
}
