import * as z from 'zod'
import { isJobUuid } from '../../job/job-uuid.ts'
import { environment } from '../../job/request/field-schemas.ts'
import { isDnsLabel } from '../../job/request/syntax.ts'
import { check } from '../../util/checks/schema-errors.ts'
import { type FieldError, invalidFields } from '../../util/errors.ts'
import { unknownPlaceholders } from './placeholders.ts'

const formats = ['tar', 'tar.gz', 'tar.zst', 'zip'] as const
const nonEmpty = (expected: string) => z.string(expected).min(1, expected)

const fields = {
  id: nonEmpty("an asset's id").exactOptional(),
  pattern: z
    .string('a regular expression of JavaScript for whole ids')
    .refine(isPattern, 'a regular expression of JavaScript for whole ids')
    .exactOptional(),
  job: z
    .string('the name of a configured job')
    .refine(isDnsLabel, 'the name of a configured job')
    .exactOptional(),
  env: environment.exactOptional(),
  job_uuid: nonEmpty("a job's uuid").exactOptional(),
  file: nonEmpty('a path of the results').exactOptional(),
  format: z.enum(formats, `one of ${formats.join(', ')}`).exactOptional(),
  given_as: z.enum(['http', 's3'], '"http" or "s3"').exactOptional(),
  remove: z.enum(['nothing', 'job'], '"nothing" or "job"').exactOptional(),
}
const names = Object.keys(fields).join(', ')
const entry = z.strictObject(fields, `an object of ${names}`)
const file = z.strictObject({ datasets: z.array(entry, 'a list of datasets') }, 'an object of datasets')

/** One entry of DATASETS_FILE. */
export type DatasetEntry = z.output<typeof entry>

/** The entries in the file's parsed value. Throws a Problem that names each wrong field. */
export function parseDatasets(value: unknown): DatasetEntry[] {
  const { datasets } = check(file, value)
  const errors = datasets.flatMap((dataset, index) => [...mistakes(dataset, `datasets[${index}]`)])
  const seen = new Set<string>()
  for (const [index, { id }] of datasets.entries()) {
    if (id === undefined) continue
    if (seen.has(id))
      errors.push({ field: `datasets[${index}].id`, problem: 'is used twice', expected: 'an id of its own' })
    seen.add(id)
  }
  if (errors.length > 0) throw invalidFields(errors)
  return datasets
}

/** A pattern must match the whole id. */
export function patternOf(text: string): RegExp {
  return new RegExp(`^(?:${text})$`, 'su')
}

function isPattern(text: string): boolean {
  try {
    patternOf(text)
    return true
  } catch {
    return false
  }
}

function* mistakes(dataset: DatasetEntry, at: string): Generator<FieldError> {
  const { id, pattern, job, job_uuid: uuid } = dataset
  if ((id === undefined) === (pattern === undefined)) {
    yield { field: `${at}.id`, problem: 'is wrong', expected: 'an id or a pattern, one of the two' }
  }
  if ((job === undefined) === (uuid === undefined)) {
    yield { field: `${at}.job`, problem: 'is wrong', expected: 'job or job_uuid, one of the two' }
  }
  if (uuid !== undefined && id !== undefined && uuid === withoutPlaceholders(uuid) && !isJobUuid(uuid)) {
    yield { field: `${at}.job_uuid`, problem: 'is not a job uuid', expected: 'a UUID in lower case' }
  }
  if (uuid !== undefined && dataset.env !== undefined) {
    yield { field: `${at}.env`, problem: 'has no effect', expected: 'env together with job only' }
  }
  if (uuid !== undefined && dataset.remove === 'job') {
    const expected = 'remove with job only: existing results serve further transfers'
    yield { field: `${at}.remove`, problem: 'would remove results that no transfer made', expected }
  }
  if (dataset.given_as === 's3' && dataset.file === undefined) {
    yield { field: `${at}.file`, problem: 'is missing', expected: 'one file, since S3 can give no tar' }
  }
  if (dataset.file !== undefined && dataset.format !== undefined) {
    yield { field: `${at}.format`, problem: 'has no effect', expected: 'format without file, for an archive' }
  }
  const known = ['id', ...groupsOf(pattern)]
  for (const [name, text] of templates(dataset)) {
    for (const placeholder of unknownPlaceholders(text, known)) {
      const expected = `one of ${known.map((group) => `\${${group}}`).join(', ')}`
      yield { field: `${at}.${name}`, problem: `has \${${placeholder}}`, expected }
    }
  }
}

function templates({ env = {}, file: path = '', job_uuid: uuid = '' }: DatasetEntry): [string, string][] {
  const variables = Object.entries(env).map(([name, value]): [string, string] => [`env.${name}`, value])
  return [...variables, ['file', path], ['job_uuid', uuid]]
}

function withoutPlaceholders(text: string): string {
  return text.replaceAll(/\$\{\w+\}/g, '')
}

/** The names of a pattern's groups, found by matching it with an empty alternative. */
function groupsOf(pattern: string | undefined): string[] {
  if (pattern === undefined) return []
  return Object.keys(new RegExp(`(?:${pattern})|`, 'su').exec('')?.groups ?? {})
}
