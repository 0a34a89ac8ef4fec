import type * as z from 'zod'
import { defaultOf } from '../src/config/default-of.ts'
import { type SettingName, settingNames } from '../src/config/environment.ts'
import { settingsSchema } from '../src/config/schema.ts'
import { groupMeta, settingMeta } from '../src/config/setting.ts'

/** docs/settings.md: a table for each group of the schema. */
export function settingsDocument(): string {
  const groups = Map.groupBy(settingNames(), ({ group }) => group)
  const sections = Object.entries(settingsSchema.shape).map(([group, schema]) =>
    section(schema, groups.get(group) ?? []),
  )
  return `${[introduction, ...sections, oneFile].join('\n\n')}\n`
}

const introduction = `# Settings

Settings are environment variables. A setting may also be in a file: then \`<NAME>_FILE\` names the file, which is meant for
secrets. An empty value counts as absent. If a setting is wrong, the program does not start: it names each wrong setting and ends
with exit code 2.

The same settings may stand in one file, \`jobferry.yaml\` of the current folder or the file that SETTINGS_FILE names; the environment
goes before it. See [One file](#one-file) below.

The same holds for a misspelt name, one or two letters off, if it begins with the prefix of a group (\`S3_ENDPONT\`) or is long (as
long as UPLOADER_PORT), unless the right name is set too. A name that may belong to another program (\`S3_ENDPOINT_URL\`,
\`API_TOKEN\`) is a warning in the log. Both name the nearest setting.

This file is made by \`npm run docs\` from the schemas in src/config/groups.`

const oneFile = `## One file

    # jobferry.yaml
    # yaml-language-server: $schema=./docs/jobferry.schema.json
    http: {port: 9000, allowed_hosts: [jobs.example.org]}
    auth:
      tokens_file: /run/secrets/tokens
    s3:
      endpoint: https://minio.example.org
      access_key: $STORE_KEY
      secret_key: $STORE_SECRET
    policy:
      images: [registry.example.org/*]
      maximum: {memory: 16Gi}

Its keys are the groups of settings, and in each the names of the settings in lower case, without the group's prefix:
[jobferry.schema.json](jobferry.schema.json) has them all, for editors too. Values are plain, or lists where an environment variable has
several, or a mapping where it has JSON. \`<name>_file\` names a file with the value. Relative paths begin at the folder of
\`jobferry.yaml\`. \`$NAME\` is the value of an environment variable in secrets alone: keys, tokens, authorizations. The keys of the
operator's [policy](policy.md) may stand in \`policy\`, instead of \`policy.file\`. A wrong key or value ends the start, named with what is right.

    jobferry config check jobferry.yaml     # exit code 78 and the problems, if a server would not start with it
    jobferry config show jobferry.yaml      # what holds, and where each value is from; secrets are hidden

While the server runs, it reads the files again every 5 s: this one, API_TOKENS_FILE, PROVISION_TOKENS_FILE and POLICY_FILE. Changed
tokens and a changed policy hold from then on, as configured jobs do; the log says what changed, and which settings wait for the next
start. If a file is wrong then, the earlier settings stay and the log names the problem. Files without any token, or
without the policy, change nothing: they would let everybody in.`

function section(schema: z.ZodType, names: readonly SettingName[]): string {
  const { title = '', description } = groupMeta.get(schema) ?? {}
  const table = ['| name | default | |', '| --- | --- | --- |', ...names.map(row)].join('\n')
  return [`## ${title}`, ...(description ? [description] : []), table].join('\n\n')
}

function row({ variable, field, schema }: SettingName): string {
  const meta = settingMeta.get(schema)
  const text = meta?.default ?? withUnit(defaultOf(schema), unitOf(field))
  return `| ${[variable, text, meta?.description ?? ''].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function withUnit(text: string, unit: string | undefined): string {
  if (unit === undefined || text === '') return text
  return unit === 'bytes' ? bytesText(Number(text)) : `${text} ${unit}`
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
