import { catalogueFields } from '../src/job/catalogue/catalogue-fields.ts'
import type { Field } from '../src/job/request/field.ts'
import { configuredFields, requestFields } from '../src/job/request/fields.ts'

/** docs/fields.md: a row for each field of a request. */
export function fieldsDocument(): string {
  const rows = Object.entries<Field>(requestFields).map(requestRow)
  const own = Object.entries<Field>({ ...catalogueFields, ...configuredFields }).map(([name, field]) =>
    cells(nameCells(name, field)),
  )
  return `${[
    introduction,
    [cells(['field', 'value', 'default', 'GET', 'child processes', 'meaning']), cells(line(6)), ...rows].join(
      '\n',
    ),
    '## Fields of configured jobs alone',
    [cells(['field', 'value', 'default', 'meaning']), cells(line(4)), ...own].join('\n'),
  ].join('\n\n')}\n`
}

const introduction = `# Request fields

\`POST /job/deploy\` takes these fields as JSON, \`GET /job/deploy\` as parameters of its query, and configured jobs have them as YAML.

- The column "GET" says how a query gives the field: as plain text ("yes"), as a list separated by commas ("commas"), or not at
  all ("no").
- The column "child processes" is about the embedded default. "yes": the field has its effect there, too. "ignored": it is accepted
  without an effect, and the answer lists it in \`ignored\`. "commands": callers may give it only with LOCAL_ALLOW_COMMANDS=1.
  An \`image\` is refused there with 400 if neither the request nor its configured job has a \`command\`.

This file is made by \`npm run docs\` from src/job/request/fields/.`

const queryText = { text: 'yes', number: 'yes', flag: 'yes', list: 'commas', none: 'no' }
const scopeText = { everywhere: 'yes', cluster: 'ignored', commands: 'commands' }

function requestRow([name, field]: [string, Field]): string {
  const [title, value, standard, about] = nameCells(name, field)
  const { query, scope = 'everywhere' } = field
  return cells([title, value, standard, queryText[query], scopeText[scope], about])
}

function nameCells(name: string, field: Field): [string, string, string, string] {
  return [`\`${name}\``, expectedOf(field), defaultOf(field), field.about]
}

/** The schema's own message: an error names the same values. */
function expectedOf({ schema }: Field): string {
  const { error } = schema.safeParse(Symbol('no value'))
  return error?.issues[0]?.message ?? ''
}

/** Empty for a default without entries. */
function defaultOf(field: Field): string {
  const value: unknown = 'default' in field ? field.default : undefined
  if (value === undefined) return field.absent ?? ''
  return typeof value === 'object' ? '' : `\`${value}\``
}

function line(columns: number): string[] {
  return Array.from({ length: columns }, () => '---')
}

function cells(texts: readonly string[]): string {
  return `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`
}
